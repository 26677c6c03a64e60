"""The digests of a list of files: whose are asked for, how many at a time, and which are trusted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from app.catalog.stored_digests import FILES_AT_ONCE, Described, with_digests
from app.domain.access import Access, VisibleEntry
from app.domain.entries import Digest, FileInfo
from app.domain.errors import StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from tests.support.memory_store import MemoryStore

SHA, OTHER_SHA, MD5 = Digest("sha-256", b"a" * 32), Digest("sha-256", b"b" * 32), Digest("md5", b"c" * 16)


class CountingStore(MemoryStore):
    """Counts how many heads run at the same time."""

    running = most = 0

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        assert is_listed
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return await super().head(path, is_listed=is_listed)


async def listed_in(store: MemoryStore) -> list[VisibleEntry]:
    listing = await store.list_folder(ROOT)
    return [
        VisibleEntry(ROOT.child(entry.name, is_folder=entry.is_folder), entry, Access.PUBLIC)
        for entry in listing.entries
    ]


async def described(store: MemoryStore, *parts: Sequence[VisibleEntry]) -> list[Described]:
    async def given() -> AsyncGenerator[Sequence[VisibleEntry], None]:
        for part in parts:
            yield part

    async def listed(visible: VisibleEntry) -> Sequence[Digest]:
        return (OTHER_SHA, MD5)

    return [each async for each in with_digests(given(), store, listed)]


async def test_what_is_stored_counts_and_what_files_say_fills_up() -> None:
    store = MemoryStore()
    store.put("folder/")
    store.put("with", digests=(SHA,))
    store.put("with-md5", digests=(MD5,))
    store.put("without")
    found = await described(store, await listed_in(store))
    assert {each.visible.entry.name: each.digests for each in found} == {
        "folder": None,
        "with": (SHA,),
        "with-md5": (MD5, OTHER_SHA),
        "without": (OTHER_SHA, MD5),
    }


async def test_what_the_asker_cannot_have_is_not_asked_for() -> None:
    store = MemoryStore()
    store.put("file", digests=(SHA,))
    entries = [visible._replace(is_open=False) for visible in await listed_in(store)]
    store.calls.clear()
    assert [each.digests for each in await described(store, entries)] == [None]
    assert not store.calls


async def test_a_file_that_was_replaced_removed_or_linked_since_has_none() -> None:
    store = MemoryStore()
    for name in ("linked", "removed", "replaced"):
        store.put(name, b"first", digests=(SHA,))
    entries = await listed_in(store)
    store.put("replaced", b"second", digests=(OTHER_SHA,))
    store.remove("removed")
    store.remove("linked")
    store.put("elsewhere")
    store.link("linked", "elsewhere")
    assert [each.digests for each in await described(store, entries)] == [(), (), ()]


async def test_no_more_heads_run_at_once_than_are_allowed_and_the_order_stays() -> None:
    store = CountingStore()
    for number in range(2 * FILES_AT_ONCE + 1):
        store.put(f"{number:02}", digests=(SHA,))
    entries = await listed_in(store)
    found = await described(store, entries[:3], entries[3:])
    assert [each.visible for each in found] == entries
    assert store.most == FILES_AT_ONCE == 16
    assert len(store.calls) == 1 + len(entries)


async def test_a_store_that_fails_is_no_file_without_digests() -> None:
    store = MemoryStore()
    store.put("file")
    entries = await listed_in(store)
    store.fail_next(StoreUnavailable("timeout"))
    with pytest.raises(StoreUnavailable):
        await described(store, entries)
