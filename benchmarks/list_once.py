"""Lists one folder of a `MadeUpS3` in one of several ways, and prints as JSON how that went."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Final

import aioboto3
import uvloop

from app.domain.paths import ArtifactPath
from app.domain.storage_urls import S3Place
from app.main import prepare_process
from app.storage.s3.list_call import flat_pages
from app.storage.s3.opening import open_s3_store
from benchmarks.made_up_s3 import REQUESTS
from tests.support.waiting import fetch

PROBE_SECONDS: Final = 0.001

Lister = Callable[[], Awaitable[int]]
"""Lists the folder once; returns how many keys there were."""


@dataclass
class Listed:
    """How one listing went."""

    keys: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of this process
    held_seconds: float = 0.0  # longest that the event loop was late for something else
    calls: int = 0  # of S3


WAYS: Final = ("aioboto3", "page-by-page", "ranges")
"""The obvious one; the calls and the parser of Pierhead, each page after the one before; and as Pierhead lists."""


@asynccontextmanager
async def open_lister(way: str, bucket: str, prefix: str) -> AsyncIterator[Lister]:
    """A lister of a folder, by one of the ways."""
    async with (
        aioboto3.Session().client("s3") as client,
        open_s3_store(S3Place(bucket), observe=lambda *_: None) as store,
    ):

        async def aioboto3_pages() -> int:
            paginator = client.get_paginator("list_objects_v2")
            pages = paginator.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
            return len([item async for page in pages for item in page.get("Contents", [])])

        async def page_by_page() -> int:
            fetch = store._spelling.fetch  # the very one that it lists folders with
            return sum([len(page.keys) async for page in flat_pages(fetch, prefix, "")])

        async def ranges() -> int:
            return len((await store.list_folder(ArtifactPath.from_text(f"/{prefix}"))).entries)

        yield dict(zip(WAYS, (aioboto3_pages, page_by_page, ranges), strict=True))[way]


async def measure(lister: Lister) -> Listed:
    """List once, while a probe asks the event loop for a turn every millisecond."""
    listed, before = Listed(), _calls()
    probe = asyncio.create_task(_probe(listed))
    started, used = time.perf_counter(), time.process_time()
    listed.keys = await lister()
    listed.seconds, listed.cpu_seconds = time.perf_counter() - started, time.process_time() - used
    probe.cancel()
    with suppress(asyncio.CancelledError):
        await probe
    listed.calls = _calls() - before
    return listed


def _calls() -> int:
    """How many have been made of S3."""
    return int(fetch(os.environ["AWS_ENDPOINT_URL_S3"] + REQUESTS))


async def _probe(listed: Listed) -> None:
    while True:
        asked = time.perf_counter()
        await asyncio.sleep(PROBE_SECONDS)
        listed.held_seconds = max(listed.held_seconds, time.perf_counter() - asked - PROBE_SECONDS)


async def _run(way: str, bucket: str, prefix: str, times: int) -> Listed:
    async with open_lister(way, bucket, prefix) as lister:
        for _ in range(times - 1):
            await lister()
        return await measure(lister)


if __name__ == "__main__":
    prepare_process()  # as for serving
    _way, _bucket, _prefix, _times = sys.argv[1:]
    print(json.dumps(asdict(uvloop.run(_run(_way, _bucket, _prefix, int(_times))))))
