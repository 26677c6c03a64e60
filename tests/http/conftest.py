"""Trees and clients that most tests here begin with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.site_trees import DirectoryTree, MemoryTree, Site, SiteTree, client_of


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
    tree = MemoryTree()
    with client_of(tree.app()) as client:
        yield Site(tree, client)


@pytest.fixture
def site(shared_site: Site) -> Site:
    """An empty tree with a running server over it, for tests that need no settings of their own."""
    shared_site.tree.store.clear()
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
