"""The same tree from both kinds of storage, and what a program needs to be run against it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live_server import token
from tests.support.published_tree import MEMBERS
from tests.support.publishing import Published, publish_bucket, publish_directory


@pytest.fixture(scope="session")
def published_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    with publish_directory(tmp_path_factory.mktemp("directory")) as published:
        yield published


@pytest.fixture(scope="session")
def published_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    with publish_bucket(tmp_path_factory.mktemp("bucket")) as published:
        yield published


@pytest.fixture(params=["directory", "bucket"])
def published(request: pytest.FixtureRequest) -> Published:
    """The tree, from each storage in turn."""
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
