"""A folder in another order is sorted once for each tier, and again when it has changed."""

from __future__ import annotations

from app.cache.byte_cache import ENTRY_OVERHEAD, ByteCache
from app.catalog import FolderSorter, FolderView
from app.domain.access import ANONYMOUS, Principal
from app.domain.mounts import AT_ROOT
from app.domain.order import Order
from app.domain.paths import ROOT
from tests.support.catalogs import catalog_over
from tests.support.memory_store import MemoryStore

BY_SIZE, DOWN = Order("size", "asc"), Order("size", "desc")
POLICY = '[[rule]]\npath = "big"\ntier = "private"\ngroups = ["staff"]\n'


def store_of(**sizes: int) -> MemoryStore:
    store = MemoryStore()
    for name, size in sizes.items():
        store.put(name, b"x" * size)
    return store


async def seen(store: MemoryStore, principal: Principal = ANONYMOUS) -> FolderView:
    catalog = catalog_over(store, policy=POLICY)
    try:
        return await catalog.view_folder(ROOT, principal)
    finally:
        await catalog.aclose()


def names(sorter: FolderSorter, view: FolderView, order: Order) -> list[str]:
    entries = sorter.entries(view, order)
    assert len(entries) == len(list(entries))
    return [entry.name for entry in entries]


async def test_what_is_sorted_is_kept_for_its_tier_and_order() -> None:
    sorter = FolderSorter(held := ByteCache(1 << 20))
    store = store_of(big=9, middle=5, small=1)
    view, of_staff = await seen(store), await seen(store, Principal(groups=frozenset({"staff"})))
    for _ in range(2):
        assert names(sorter, view, BY_SIZE) == ["small", "middle"]
        assert names(sorter, view, DOWN) == ["middle", "small"]
        assert names(sorter, of_staff, DOWN) == ["big", "middle", "small"]
    assert len(held) == 3
    assert held.bytes_held == 3 * ENTRY_OVERHEAD + (2 + 2 + 3) * 4


async def test_what_is_kept_is_what_is_used_and_for_that_version_alone() -> None:
    sorter = FolderSorter(ByteCache(1 << 20))
    view = await seen(store_of(a=1, b=2))
    first = sorter.entries(view, BY_SIZE)
    assert sorter.entries(view, BY_SIZE)._places is first._places
    newer = await seen(store_of(a=2, b=1))
    changed = view._replace(snapshot=newer.snapshot._replace(version=view.snapshot.version + 1))
    assert names(sorter, changed, BY_SIZE) == ["b", "a"]


async def test_the_host_that_asks_makes_no_difference() -> None:
    sorter = FolderSorter(held := ByteCache(1 << 20))
    view = await seen(store_of(a=1, b=2))
    for origin in ("https://one", "https://other"):
        names(sorter, view._replace(mount=AT_ROOT._replace(origin=origin)), BY_SIZE)
    assert len(held) == 1


async def test_sizes_of_folders_count_and_what_is_sorted_by_them_is_not_kept() -> None:
    sorter = FolderSorter(held := ByteCache(1 << 20))
    store = MemoryStore()
    for name in ("a/", "b/"):
        store.put(name)
    view = await seen(store)
    assert names(sorter, view._replace(sizes={"a": 2, "b": 1}), BY_SIZE) == ["b", "a"]
    assert names(sorter, view._replace(sizes={"a": 1, "b": 2}), BY_SIZE) == ["a", "b"]
    assert not len(held)
