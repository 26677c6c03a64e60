"""The real server over a store in memory, with a clock that stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, TypeVar

from tests.support.clocks import Clock
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import Call, MemoryStore
from tests.support.site_trees import SiteClient, http_client

StoreType = TypeVar("StoreType", bound=MemoryStore)


class ServedStore(NamedTuple, Generic[StoreType]):
    """The store, and a client of the server over it; by the clock, the age of folders is told."""

    store: StoreType
    clock: Clock
    http: SiteClient
    port: int

    def calls(self, method: str, url: str, status: int, **options: Any) -> list[Call]:
        """The calls of the store that one request made, which is answered with this status."""
        before = len(self.store.calls)
        assert self.http.request(method, url, **options).status_code == status
        return self.store.calls[before:]


@contextmanager
def serve_store(store: StoreType, **settings: Any) -> Iterator[ServedStore[StoreType]]:
    """Serve a store until the block ends.

    Args:
        settings: as `app_over` takes them.
    """
    clock = Clock()
    app = app_over(store, clock=clock, **settings)
    with live_server(app) as server, http_client(server.url) as http:
        http.admin = server.admin
        yield ServedStore(store, clock, http, server.port)


Site = ServedStore[MemoryStore]
