"""What is looked at for the sizes of folders, and what does not count."""

from __future__ import annotations

import pytest

from app.cache.byte_cache import ByteCache
from app.catalog import Catalog, FolderSizes, FolderTotals
from app.catalog.folder_sizes import BOUNDS, Bounds
from app.domain.access import ANONYMOUS
from app.domain.paths import ArtifactPath
from tests.support.catalogs import catalog_over
from tests.support.memory_store import MemoryStore

TREE = ("d/a/1.img", "d/a/in/2.img", "d/b/3.img", "d/c/4.img", "d/c/5.img", "d/c/6.img")
FOLDERS = ("d", "d/a", "d/a/in", "d/b", "d/c")


def store_with(*paths: str) -> MemoryStore:
    store = MemoryStore()
    for path in paths:
        store.put(path, b"ten bytes.")
    return store


def cached_catalog(store: MemoryStore) -> Catalog:
    return catalog_over(store, cache_ttl=3600, cache_grace=0, cache_max_stale=3600)


async def sizes_of(catalog: Catalog, bounds: Bounds = BOUNDS) -> dict[str, int]:
    sizes = FolderSizes(catalog.folders, FolderTotals(ByteCache(1 << 20)), bounds)
    view = await catalog.view_folder(ArtifactPath.of("d", is_folder=True), ANONYMOUS)
    return dict((await sizes.added_to(view)).sizes)


async def read(catalog: Catalog, *folders: str) -> None:
    for folder in folders:
        await catalog.folders.get(ArtifactPath.from_text(f"{folder}/"))


@pytest.mark.parametrize(
    ("bounds", "known"),
    [
        (Bounds(4, 7), {"a": 20, "b": 10, "c": 30}),
        (Bounds(3, 7), {"a": 20, "b": 10}),
        (Bounds(1, 7), {}),
        (Bounds(4, 6), {"a": 20, "b": 10}),
        (Bounds(4, 2), {}),
    ],
)
async def test_no_more_is_looked_at_than_may_be(bounds: Bounds, known: dict[str, int]) -> None:
    catalog = cached_catalog(store_with(*TREE))
    await read(catalog, *FOLDERS)
    assert await sizes_of(catalog, bounds) == known


async def test_a_large_folder_leaves_the_rest_to_those_behind_it() -> None:
    large = (f"d/a/{number}.img" for number in range(50))
    catalog = cached_catalog(store_with(*large, "d/b/1.img"))
    await read(catalog, "d", "d/a", "d/b")
    assert await sizes_of(catalog, Bounds(10, 40)) == {"b": 10}


async def test_what_a_link_leads_to_does_not_count_twice() -> None:
    store = store_with("d/job/1/a.img", "d/job/2/b.img")
    for link in ("d/job/latest", "d/newest"):
        store.put(f"{link}/.s3_linked_from", b"d/job/2")
    catalog = cached_catalog(store)
    await read(catalog, "d", "d/job", "d/job/1", "d/job/2", "d/job/latest", "d/newest")
    assert await sizes_of(catalog) == {"job": 20}


async def test_what_is_in_a_folder_that_is_closed_by_its_own_rules_does_not_count() -> None:
    store = store_with("d/a/1.img", "d/a/closed/2.img", "d/closed/3.img")
    for folder in ("d/a/closed", "d/closed"):
        store.put(f"{folder}/BUILD-INFO.txt", b"no field")
    catalog = cached_catalog(store)
    await read(catalog, "d", "d/a", "d/a/closed", "d/closed")
    assert await sizes_of(catalog) == {"a": 10}


async def test_without_a_cache_nothing_is_known() -> None:
    catalog = catalog_over(store_with(*TREE))
    await read(catalog, *FOLDERS)
    assert await sizes_of(catalog) == {}
