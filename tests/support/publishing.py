"""One tree, published from a directory, and from a real S3 engine behind a proxy that writes down what arrives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.aws import open_bucket, point_aws_at
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.published_tree import EVERYTHING, POLICY, url_path, write_tree
from tests.support.recording_proxy import RecordingProxy, recording_proxy
from tests.support.s3_engine import run_s3_engine

BUCKET = "published"
PREFIX = "site"


@dataclass(frozen=True)
class Published:
    """The tree as a running server publishes it.

    Attributes:
        server: what publishes it.
        s3: what stands before the S3 engine; None where the tree is in a directory.
    """

    server: RunningPierhead
    s3: RecordingProxy | None = None

    @property
    def url(self) -> str:
        """Of the server, without a slash at its end."""
        return self.server.url

    def url_of(self, path: str) -> str:
        """Where a file or folder of the tree is."""
        return self.url + url_path(path)

    def served(self, path: str) -> int:
        """How many requests for a path were answered, not refused, and have been logged."""
        return self.server.served(url_path(path))


@contextmanager
def publish_directory(workspace: Path) -> Iterator[Published]:
    """Serve the tree from a directory below the workspace."""
    root, directory = workspace / "tree", workspace / "server"
    directory.mkdir()
    write_tree(root)
    with run_pierhead(f"file://{root}", directory, policy=POLICY) as server:
        yield Published(server)


@contextmanager
def publish_bucket(workspace: Path) -> Iterator[Published]:
    """Serve the tree from a bucket of an S3 engine of its own."""
    directory = workspace / "server"
    directory.mkdir()
    with run_s3_engine(workspace / "engine") as engine, recording_proxy(engine.url) as proxy:
        # The server lasts as long as the session; other tests must not find this environment.
        with pytest.MonkeyPatch.context() as environment:
            point_aws_at(environment, engine)
            with ThreadPoolExecutor(1) as other:  # a browser's fixture may have an event loop in this thread
                other.submit(asyncio.run, _plant_tree()).result()
            point_aws_at(environment, replace(engine, url=proxy.url))
            aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        with run_pierhead(f"s3://{BUCKET}/{PREFIX}", directory, policy=POLICY, environ=aws) as server:
            yield Published(server, proxy)


async def _plant_tree() -> None:
    async with open_bucket(BUCKET) as bucket:
        for path, content in EVERYTHING.items():
            await bucket.plant(f"{PREFIX}/{path}", content)
