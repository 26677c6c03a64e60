"""What is kept of a folder, and what it may decide: never about a file that is newer than it."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import string
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.byte_cache import ByteCache
from app.catalog import Catalog, Snapshot, cost_of
from app.domain.access import ANONYMOUS, Principal
from app.domain.entries import Entry, File, FileInfo, Folder
from app.domain.entry_table import EntryTable
from app.domain.errors import GroupRequired, LoginRequired, NotFound, StoreUnavailable
from app.domain.paths import ArtifactPath, is_possible_name
from app.storage.local.store import LocalStore
from app.wiring import build_catalog
from tests.support.live_server import policy_from, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.policy import build_info, folder_rules

TTL, GRACE, MAX_STALE = 60, 120, 3600
LIVES = {"cache_ttl": TTL, "cache_grace": GRACE, "cache_max_stale": MAX_STALE}
FOLDER = ArtifactPath.of("d", is_folder=True)
FILE = FOLDER.child("secret.img")
STAFF_ONLY = build_info("Files-Pattern: *, ", "Auth-Groups: staff")
STAFF = Principal("somebody", frozenset({"staff"}))
GUEST = Principal("another", frozenset({"guests"}))


class ListedOnlyOtherwise(MemoryStore):
    """What a listing has shown is found in any case from now on, as by an engine that is blind to case."""

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        return await super().head(FOLDER.child("SECRET.IMG") if is_listed else path)


async def test_a_name_that_was_listed_is_not_kept_alive_by_another_spelling() -> None:
    store = ListedOnlyOtherwise()
    store.put("d/secret.img", b"old")
    store.put("d/SECRET.IMG", b"another")
    catalog = build_catalog(settings_for(**LIVES), policy_from(""), store, ByteCache(2**20), lambda: 0.0)
    await catalog.list_folder(FOLDER, ANONYMOUS)
    store.remove("d/secret.img")
    with pytest.raises(NotFound):
        await catalog.open_file(FILE, ANONYMOUS)
    await catalog.aclose()


async def test_a_file_replaced_by_one_of_its_size_and_time_is_under_the_new_rules(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "secret.img").write_bytes(b"old")
    status = (folder / "secret.img").stat()
    store = LocalStore(tmp_path, observe=lambda *_: None)
    catalog = build_catalog(settings_for(**LIVES), policy_from(""), store, ByteCache(2**20), lambda: 0.0)
    assert (await catalog.open_file(FILE, ANONYMOUS)).info.size == 3
    (folder / "BUILD-INFO.txt").write_bytes(STAFF_ONLY)
    (tmp_path / "new").write_bytes(b"new")
    os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "new").rename(folder / "secret.img")
    with pytest.raises(LoginRequired):
        await catalog.open_file(FILE, ANONYMOUS)
    await catalog.aclose()
    await store.aclose()


class World:
    """A catalog with a cache over a tree, and the time by which it goes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryStore()
        self.store.put("d/open.txt", b"for all")
        self.catalog: Catalog = build_catalog(
            settings_for(**LIVES), policy_from(""), self.store, ByteCache(2**20), lambda: self.now
        )

    def asked(self) -> list[str]:
        """Operations since the last time."""
        operations = [call.operation for call in self.store.calls]
        self.store.calls.clear()
        return operations


@pytest.fixture
def world() -> World:
    return World()


async def names(world: World, principal: Principal = ANONYMOUS) -> list[str]:
    return [visible.entry.name for visible in await world.catalog.list_folder(FOLDER, principal)]


async def settled() -> None:
    """Until what goes on behind the scenes has ended."""
    for _ in range(10):
        await asyncio.sleep(0)


# A file is judged by rules that are no older than itself


@pytest.mark.parametrize("before", [None, b"what everybody may have"], ids=["new", "replaced"])
async def test_who_publishes_the_rules_first_finds_the_file_protected_at_once(
    world: World, before: bytes | None
) -> None:
    if before is not None:
        world.store.put("d/secret.img", before)
    assert "BUILD-INFO.txt" not in await names(world)
    world.store.put("d/BUILD-INFO.txt", STAFF_ONLY)
    world.store.put("d/secret.img", b"for members")
    for principal, denial in ((ANONYMOUS, LoginRequired), (GUEST, GroupRequired)):
        with pytest.raises(denial):
            await world.catalog.open_file(FILE, principal)
        with pytest.raises(denial):
            await world.catalog.licences_of(FILE, principal)
    assert (await world.catalog.open_file(FILE, STAFF)).info.size == len(b"for members")


async def test_that_a_file_is_gone_is_not_told_by_older_rules_either(world: World) -> None:
    world.store.put("d/secret.img", b"1")
    await names(world)
    world.store.put("d/BUILD-INFO.txt", STAFF_ONLY)
    world.store.remove("d/secret.img")
    with pytest.raises(LoginRequired):
        await world.catalog.open_file(FILE, ANONYMOUS)
    with pytest.raises(NotFound):
        await world.catalog.open_file(FILE, STAFF)


async def test_what_a_wildcard_stands_for_is_judged_as_late(world: World) -> None:
    world.store.put("d/secret.img", b"1")
    await names(world)
    world.store.put("d/BUILD-INFO.txt", STAFF_ONLY)
    world.store.put("d/secret.img", b"2")
    with pytest.raises(LoginRequired):
        await world.catalog.open_file(FOLDER.child("*.img"), ANONYMOUS)


async def test_a_new_file_is_not_handed_out_while_its_rules_cannot_be_read(world: World) -> None:
    await names(world)
    world.store.put("d/secret.img", b"1")
    world.store.fail_on("list", StoreUnavailable("timeout"))
    with pytest.raises(StoreUnavailable):
        await world.catalog.open_file(FILE, ANONYMOUS)
    assert (await world.catalog.open_file(FOLDER.child("open.txt"), ANONYMOUS)).info.size == len(b"for all")


async def test_a_file_that_is_as_listed_costs_no_listing(world: World) -> None:
    await names(world)
    world.asked()
    for _ in range(3):
        await world.catalog.open_file(FOLDER.child("open.txt"), ANONYMOUS)
    assert world.asked() == ["head"] * 3


async def test_a_new_file_costs_one_listing_whoever_asks_for_it(world: World) -> None:
    await names(world)
    world.store.put("d/secret.img", b"1")
    world.asked()
    await asyncio.gather(*(world.catalog.open_file(FILE, ANONYMOUS) for _ in range(200)))
    assert world.asked() == ["head", "list"]
    await world.catalog.open_file(FILE, ANONYMOUS)
    assert world.asked() == ["head"]


# What is kept


async def test_a_folder_that_has_not_changed_keeps_its_pages_and_one_that_has_does_not(world: World) -> None:
    first = (await world.catalog.view_folder(FOLDER, ANONYMOUS)).snapshot
    world.now += MAX_STALE
    again = (await world.catalog.view_folder(FOLDER, ANONYMOUS)).snapshot
    assert "list" in world.asked()
    assert again.version == first.version
    for change in (b"x", b"y"):
        world.store.put("d/EULA.txt", change)
        world.now += MAX_STALE
        later = (await world.catalog.view_folder(FOLDER, ANONYMOUS)).snapshot
        assert later.version != first.version
        first = later


@given(
    waits=st.lists(st.integers(0, 2 * (TTL + GRACE)), min_size=1, max_size=8),
    changed=st.integers(0, 7),
    is_removed=st.booleans(),
)
async def test_what_was_withdrawn_is_gone_within_ttl_and_grace(
    waits: list[int], changed: int, is_removed: bool
) -> None:
    world, withdrawn_at = World(), None
    for number, seconds in enumerate([*waits, TTL + GRACE]):
        if number == changed:
            withdrawn_at = world.now
            if is_removed:
                world.store.remove("d/open.txt")
            else:
                world.store.put("d/BUILD-INFO.txt", STAFF_ONLY)
        world.now += seconds
        try:
            shown = "open.txt" in await names(world)
        except (LoginRequired, NotFound):
            shown = False
        if withdrawn_at is None:
            assert shown
        elif world.now >= withdrawn_at + TTL + GRACE:
            assert not shown
        await settled()


# Snapshots

ENTRY_NAMES = st.one_of(
    st.sampled_from(
        ["latest", "16.09", "16.9", "16.12", "1", "01", "1.", ".1", "a", "A", "\udcff", "🚢", "~"]
    ),
    st.text(min_size=1, max_size=4).map(lambda t: t.encode("utf-8", "replace").decode("utf-8")),
    st.from_regex(r"\A[0-9.]{1,5}\Z"),
).filter(is_possible_name)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    ENTRY_NAMES.map(Folder), st.builds(File, ENTRY_NAMES, st.just(1), st.just(0.0))
)


def snapshot_of(entries: list[Entry]) -> Snapshot:
    rules = folder_rules({}, folder=FOLDER)
    return Snapshot(FOLDER, EntryTable.of(entries).in_listing_order(), rules, None, b"", 0)


@given(
    entries=st.lists(ENTRIES, max_size=12, unique_by=lambda entry: (entry.name, entry.is_folder)),
    other=ENTRY_NAMES,
)
def test_an_entry_is_found_where_a_look_at_each_would_find_it(entries: list[Entry], other: str) -> None:
    snapshot = snapshot_of(entries)
    for name in {other, *(entry.name for entry in entries)}:
        for is_folder in (True, False):
            there = next((e for e in entries if (e.name, e.is_folder) == (name, is_folder)), None)
            assert snapshot.entry(name, is_folder=is_folder) == there
            assert snapshot.find(name, is_folder=is_folder) is (there is not None)


@pytest.mark.parametrize("length", [8, 60, 200])
@pytest.mark.parametrize("has_tags", [True, False])
def test_a_folder_is_charged_for_what_it_takes(length: int, has_tags: bool) -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        snapshot = snapshot_of([*files(2_000, length, has_tags)])
        gc.collect()  # which also gives back what is kept for tuples to come
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(snapshot.entries) == 2_000
    assert 0.75 < cost_of(snapshot) / taken < 1.25


def files(count: int, length: int, has_tags: bool) -> list[Entry]:
    """Files as a store gives them: every string and number an object of its own."""
    letters = random.Random(1)
    return [
        File(
            f"{number:06}{''.join(letters.choices(string.ascii_letters, k=length - 6))}",
            1_000_000 + number,
            1e9 + number,
            f"{number:032x}" if has_tags else None,
        )
        for number in range(count)
    ]
