"""The beginning of a large folder shows nothing that the whole would not show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.catalog import Catalog, FolderView, PartialView
from app.domain.access import ANONYMOUS, Principal
from app.domain.errors import LoginRequired, PierheadError, Refused, StoreUnavailable
from app.domain.paths import ArtifactPath
from tests.support.catalogs import catalog_over
from tests.support.memory_store import Call, MemoryStore
from tests.support.policy import build_info

FOLDER = ArtifactPath.from_text("d/")
DOWN = StoreUnavailable("timeout")
MEMBERS = build_info("Files-Pattern: *,", "Auth-Groups: staff")
STAFF = Principal(subject="s", groups=frozenset({"staff"}))


def large(*names: str, first: int = 3, contents: dict[str, bytes] | None = None) -> MemoryStore:
    """A folder with these files, of which the first ones are told early and the rest waits."""
    store = MemoryStore()
    for name in names:
        store.put(f"d/{name}", (contents or {}).get(name, b""))
    store.first_entries = first
    store.rest.clear()
    return store


def names_of(view: FolderView) -> list[str]:
    return [visible.entry.name for visible in view.entries()]


@asynccontextmanager
async def early(catalog: Catalog, principal: Principal = ANONYMOUS) -> AsyncIterator[PartialView]:
    seen = await asyncio.wait_for(catalog.view_partial(FOLDER, principal), 5)
    assert isinstance(seen, PartialView)
    try:
        yield seen
    finally:
        seen.whole.cancel()
        await asyncio.gather(seen.whole, return_exceptions=True)
        await catalog.aclose()


async def waits(store: MemoryStore, catalog: Catalog, principal: Principal = ANONYMOUS) -> FolderView:
    """What comes when there is no beginning to show: the whole, not before the rest is there."""
    view = asyncio.create_task(catalog.view_partial(FOLDER, principal))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not view.done()
    store.rest.set()
    seen = await view
    assert isinstance(seen, FolderView)
    await catalog.aclose()
    return seen


async def test_first_entries_are_there_before_the_rest() -> None:
    store = large("a", "b", "c", "d", "e", contents={})
    store.put("d/BUILD-INFO.txt", build_info("Files-Pattern: *", "License-Type: open"))
    async with early(catalog_over(store)) as seen:
        assert names_of(seen.first) == ["a", "b"]
        assert not seen.whole.done()
        store.rest.set()
        assert names_of(await seen.whole) == ["a", "b", "c", "d", "e"]


async def test_without_rules_a_file_is_shown_once_no_licence_of_its_own_can_follow() -> None:
    store = large("a", "b", "b-x", "c", "d", first=3)
    async with early(catalog_over(store)) as seen:
        assert names_of(seen.first) == ["a"]  # b.EULA.txt would come behind b-x


CONTROL_NAMES = (
    *("EULA.txt", "OPEN-EULA.txt", "a.EULA.txt", "b.EULA.txt.samsung", "BUILD-INFO.txt"),
    *("MY-EULA.txt", "a.EULA.txt~", "a-EULA.txt"),
)
FILES = st.sets(st.sampled_from(["0", "1", "A", "a", "a-b", "a.", "b", "b!", "b.EULA", "z", "Z"]), min_size=1)
CONTROLS = st.dictionaries(
    st.sampled_from(CONTROL_NAMES),
    st.sampled_from([b"one", b"\xff", MEMBERS, build_info("Files-Pattern: a*", "Auth-Groups: staff")]),
    max_size=3,
)


@given(
    FILES,
    CONTROLS,
    st.integers(1, 6),
    st.sampled_from([ANONYMOUS, STAFF]),
    st.sampled_from(["public", "closed"]),
)
@example({"0", "1"}, {"MY-EULA.txt": b""}, 2, ANONYMOUS, "closed")
async def test_a_beginning_is_a_part_of_what_the_whole_shows(
    files: set[str], controls: dict[str, bytes], first: int, principal: Principal, default_tier: str
) -> None:
    store = large(*files, *controls, first=first, contents=controls)
    catalog = catalog_over(store, default_tier=default_tier)
    asked = asyncio.create_task(catalog.view_partial(FOLDER, principal))
    for _ in range(100):
        await asyncio.sleep(0)
    store.rest.set()
    try:
        seen = await asked
    except PierheadError:
        return  # who may not have the whole has not had a part either
    finally:
        if asked.done() and asked.exception() is not None:
            await catalog.aclose()
    try:
        whole = await seen.whole if isinstance(seen, PartialView) else seen
        assert set(seen.first.entries() if isinstance(seen, PartialView) else ()) <= set(whole.entries())
    except Refused:
        # Known and accepted: a licence of one file that cannot be read closes the folder, as soon as it is seen.
        assert controls.keys().isdisjoint(("BUILD-INFO.txt", "OPEN-EULA.txt", "EULA.txt"))
        assert b"\xff" in controls.values()
    finally:
        await catalog.aclose()


async def test_rules_that_come_later_in_the_listing_are_known_already() -> None:
    """BUILD-INFO.txt comes behind all names that begin with a digit."""
    store = large("1", "2", "3", "4", "BUILD-INFO.txt", contents={"BUILD-INFO.txt": MEMBERS})
    catalog = catalog_over(store)
    with pytest.raises(LoginRequired):
        await waits(store, catalog)
    store.rest.clear()
    async with early(catalog_over(store), STAFF) as seen:
        assert names_of(seen.first) == ["1", "2", "3"]


async def test_a_licence_that_comes_later_stands_before_the_first_files_already() -> None:
    store = large("1", "2", "3", "EULA.txt", "x", contents={"EULA.txt": b"terms"})
    async with early(catalog_over(store)) as seen:
        assert [[licence.text for licence in e.licences] for e in seen.first.entries()] == [["terms"]] * 3


async def test_what_is_read_for_it() -> None:
    """Control files that come later by their names; `.s3_linked_from` would have come before."""
    store = large("1", "2", "3", "4")
    async with early(catalog_over(store)):
        names = ("BUILD-INFO.txt", "EULA.txt", "OPEN-EULA.txt")
        assert {call for call in store.calls if call.operation == "get"} == {
            Call("get", f"d/{name}") for name in names
        }


@pytest.mark.parametrize("link", [b"elsewhere", b""])
async def test_a_link_has_no_beginning(link: bytes) -> None:
    store = large(".s3_linked_from", "a", "b", "c", "d", contents={".s3_linked_from": link})
    store.put("elsewhere/f")
    catalog = catalog_over(store)
    view = asyncio.create_task(catalog.view_partial(FOLDER, ANONYMOUS))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not view.done()
    view.cancel()
    store.rest.set()
    await catalog.aclose()


async def test_where_rules_cannot_be_read_the_whole_says_so() -> None:
    store = large("a", "b", "c", "d")
    store.put("d/BUILD-INFO.txt", b"")
    store.fail_on("get", DOWN)
    catalog = catalog_over(store)
    with pytest.raises(StoreUnavailable):
        await waits(store, catalog)


async def test_a_folder_that_fits_its_first_part_is_just_given() -> None:
    store = large("a", "b")
    seen = await catalog_over(store).view_partial(FOLDER, ANONYMOUS)
    assert isinstance(seen, FolderView)
    assert names_of(seen) == ["a", "b"]


async def test_what_is_in_memory_is_given_whole() -> None:
    store = large("a", "b", "c", "d")
    store.rest.set()
    catalog = catalog_over(store, cache_ttl=600)
    await catalog.view_folder(FOLDER, ANONYMOUS)
    store.rest.clear()
    assert isinstance(await catalog.view_partial(FOLDER, ANONYMOUS), FolderView)


async def test_all_who_wait_share_one_reading() -> None:
    store = large("a", "b", "c", "d")
    catalog = catalog_over(store, cache_ttl=600)
    views = await asyncio.gather(*(catalog.view_partial(FOLDER, ANONYMOUS) for _ in range(20)))
    late = await catalog.view_partial(FOLDER, ANONYMOUS)
    calls = len(store.calls)
    store.rest.set()
    for seen in (*views, late):
        assert isinstance(seen, PartialView)
        assert names_of(await seen.whole) == ["a", "b", "c", "d"]
    assert [call.operation for call in store.calls].count("list") == 1
    assert len(store.calls) == calls  # no control file is in the folder, so none is read again
    await catalog.aclose()


async def test_who_gives_up_leaves_nothing_behind() -> None:
    store = large("1", "2", "3", "4")
    store.fail_on("get", DOWN)  # so that there is no beginning
    catalog = catalog_over(store)
    view = asyncio.create_task(catalog.view_partial(FOLDER, ANONYMOUS))
    for _ in range(100):
        await asyncio.sleep(0)
    view.cancel()
    with pytest.raises(asyncio.CancelledError):
        await view
    store.rest.set()
    await catalog.aclose()
    assert len(asyncio.all_tasks()) == 1
