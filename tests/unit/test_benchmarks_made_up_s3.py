"""The S3 of the benchmarks that makes up what it gives: a listing must be whole by whichever way it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.domain.paths import ArtifactPath
from app.domain.storage_urls import S3Place
from app.storage.s3.opening import open_s3_store
from benchmarks import list_once
from benchmarks.made_up_s3 import OBJECT, MadeUpS3
from benchmarks.tree import COLD_ENTRIES, cold_folder, folder
from tests.support.aws import BUCKET, S3Endpoint, point_aws_at

ENTRIES = 4_321
BYTES = 300_000


@pytest.fixture(autouse=True)
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    made_up = MadeUpS3(ENTRIES, BYTES, 0.0)
    server = await asyncio.start_server(made_up.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        point_aws_at(monkeypatch, S3Endpoint(f"http://{host}:{port}"))
        yield


@pytest.mark.parametrize("way", list_once.WAYS)
@pytest.mark.parametrize(("path", "entries"), [(folder(ENTRIES), ENTRIES), (cold_folder(0), COLD_ENTRIES)])
async def test_every_way_gives_every_key(way: str, path: str, entries: int) -> None:
    async with list_once.open_lister(way, BUCKET, f"{path}/") as lister:
        assert await lister() == entries


async def test_the_object_is_as_long_as_it_says() -> None:
    path = ArtifactPath.from_text(f"/{OBJECT}")
    async with open_s3_store(S3Place(BUCKET), observe=lambda *_: None) as store:
        info = await store.head(path)
        assert info.size == BYTES
        async with store.open_range(path, info, 0, BYTES) as chunks:
            assert b"".join([chunk async for chunk in chunks]) == bytes(BYTES)
