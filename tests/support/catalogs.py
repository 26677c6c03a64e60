"""A catalog over a tree in memory, without a server around it."""

from __future__ import annotations

from app.cache.byte_cache import ByteCache
from app.catalog import Catalog
from app.storage.store import ObjectStore
from app.wiring import build_catalog
from tests.support.live_server import policy_from, settings_for
from tests.support.memory_store import MemoryStore


def catalog_over(store: ObjectStore, *, policy: str = "", **settings: object) -> Catalog:
    """The catalog as the server builds it, without a cache unless the settings say otherwise."""
    return build_catalog(settings_for(**settings), policy_from(policy), store, ByteCache(1 << 20))


def tree_of(*paths: str) -> MemoryStore:
    """A store with empty files at these paths."""
    store = MemoryStore()
    for path in paths:
        store.put(path)
    return store
