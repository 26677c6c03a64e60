"""Trees and clients that most tests here begin with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.attacks import attacked_app, unharmed
from tests.support.live_server import LiveServer, live_server
from tests.support.memory_store import MemoryStore
from tests.support.serve_command import Served
from tests.support.served_store import Site, serve_store
from tests.support.site_trees import DirectoryTree, MemoryTree, SiteTree


@pytest.fixture(scope="module", params=["memory", "directory"])
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SiteTree:
    """An empty tree, in memory and in a directory; one for all tests of a file."""
    return MemoryTree() if request.param == "memory" else DirectoryTree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def memory() -> MemoryTree:
    """An empty tree in memory, whose store can be told to fail."""
    return MemoryTree()


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    with serve_store(MemoryStore()) as site:
        yield site


@pytest.fixture
def site(shared_site: Site) -> Site:
    """An empty tree with a running server over it, for tests that need no settings of their own."""
    shared_site.store.clear()
    return shared_site


@pytest.fixture
def directory(tmp_path: Path) -> DirectoryTree:
    """An empty tree in a directory."""
    return DirectoryTree(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def quiet_log() -> Iterator[None]:
    """Keep what servers log in their threads out of the report, where pytest cannot capture it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """A server that a file's tests attack."""
    with live_server(attacked_app()) as running:
        yield running


@pytest.fixture
def still_well(server: LiveServer, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The server is none the worse for what a test did to it."""
    with unharmed(server, caplog):
        yield


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts `pierhead serve` with further arguments and settings."""
    started: list[Served] = []

    def start(*arguments: str, **environ: str) -> Served:
        started.append(Served(tmp_path, *arguments, **environ))
        return started[-1]

    yield start
    for server in started:
        server.kill()
