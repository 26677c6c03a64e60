"""One tree, published twice: from a directory, and from a real S3 engine behind a proxy that writes down what arrives."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.aws import open_bucket, point_aws_at
from tests.support.live_server import token
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.published_tree import EVERYTHING, MEMBERS, POLICY, url_path, write_tree
from tests.support.recording_proxy import RecordingProxy, recording_proxy
from tests.support.s3_engine import run_s3_engine

BUCKET = "client-tests"
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


@pytest.fixture(scope="session")
def published_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    root = tmp_path_factory.mktemp("tree")
    write_tree(root)
    with run_pierhead(f"file://{root}", tmp_path_factory.mktemp("server"), policy=POLICY) as server:
        yield Published(server)


@pytest.fixture(scope="session")
def published_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    engine_directory = tmp_path_factory.mktemp("s3") / "engine"
    with (
        run_s3_engine(engine_directory) as engine,
        recording_proxy(engine.url) as proxy,
        pytest.MonkeyPatch.context() as environment,
    ):
        point_aws_at(environment, engine)
        asyncio.run(plant_tree())
        point_aws_at(environment, replace(engine, url=proxy.url))
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        directory = tmp_path_factory.mktemp("server")
        with run_pierhead(f"s3://{BUCKET}/{PREFIX}", directory, policy=POLICY, environ=aws) as server:
            yield Published(server, proxy)


async def plant_tree() -> None:
    async with open_bucket(BUCKET) as bucket:
        for path, content in EVERYTHING.items():
            await bucket.plant(f"{PREFIX}/{path}", content)


@pytest.fixture(params=["directory", "bucket"])
def published(request: pytest.FixtureRequest) -> Published:
    found: Published = request.getfixturevalue(f"published_{request.param}")
    if found.s3 is not None:
        found.s3.forget()
    return found


@pytest.fixture
def member_token() -> str:
    return token(MEMBERS, now=time.time())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a program runs, and finds its settings."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def netrc(home: Path, member_token: str) -> Path:
    """A file that tells programs to log in to the server with a member's token for the password."""
    path = home / ".netrc"
    path.write_text(f"machine 127.0.0.1 login robot password {member_token}\n")
    path.chmod(0o600)
    return path
