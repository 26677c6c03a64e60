"""One way to plant a tree in memory and in a directory, so that a test of what is served holds for both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from starlette.types import ASGIApp

from app.domain.entries import Digest
from tests.support.live_server import app_for, app_over, live_server, metrics_at
from tests.support.memory_store import MemoryStore
from tests.support.waiting import PATIENCE


class SiteTree(Protocol):
    """A published tree and a test's own hand in it. Paths are decoded and have no leading slash."""

    def put(self, path: str, content: bytes = b"", *, modified: float = 1e9) -> None:
        """Publish a file, or an empty folder where the path ends in `/`."""

    def remove(self, path: str) -> None:
        """Take a file away."""

    def link(self, path: str, target: str) -> None:
        """Make a path a link of the store's own to another path of the tree."""

    def app(self, **settings: Any) -> ASGIApp:
        """The server over this tree (see `app_over`)."""


class MemoryTree:
    """In a `MemoryStore`.

    Attributes:
        store: the store.
    """

    def __init__(self, **options: Any) -> None:
        self.store = MemoryStore(**options)

    def put(
        self, path: str, content: bytes = b"", *, modified: float = 1e9, digests: tuple[Digest, ...] = ()
    ) -> None:
        self.store.put(path, content, modified=modified, digests=digests)

    def remove(self, path: str) -> None:
        self.store.remove(path)

    def link(self, path: str, target: str) -> None:
        self.store.link(path, target)

    def app(self, **settings: Any) -> ASGIApp:
        return app_over(self.store, **settings)


class DirectoryTree:
    """In a directory.

    Attributes:
        root: the directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, content: bytes = b"", *, modified: float = 1e9) -> None:
        place = self.root / path
        (place if path.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            place.write_bytes(content)
            os.utime(place, (modified, modified))

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def link(self, path: str, target: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(self.root / target, place.parent))

    def app(self, **settings: Any) -> ASGIApp:
        return app_for(f"file://{self.root}", **settings)


class SiteClient(httpx.Client):
    """A client of one server.

    Attributes:
        admin: where the server's operator listens, without a slash at the end.
    """

    admin = ""

    def metrics(self) -> str:
        """What the operator is shown."""
        return metrics_at(self.admin)


def http_client(url: str, **options: Any) -> SiteClient:
    """A client that follows no redirects by itself and minds no proxy of this machine.

    Args:
        url: of a server without TLS.
        options: of `httpx.Client`.
    """
    return SiteClient(base_url=url, trust_env=False, timeout=PATIENCE, **options)


@contextmanager
def client_of(app: ASGIApp, **options: Any) -> Iterator[SiteClient]:
    """A client of the real server over an application.

    Args:
        options: of `httpx.Client`.
    """
    with live_server(app) as server, http_client(server.url, **options) as client:
        client.admin = server.admin
        yield client
