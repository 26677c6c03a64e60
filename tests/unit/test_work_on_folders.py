"""How much of a folder is looked at for what is asked: counted, not timed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import pytest

from app.catalog import Catalog, views
from app.domain import turns
from app.domain.access import ANONYMOUS, Principal, VisibleEntry
from app.domain.entries import Entry
from app.domain.entry_table import EntryTable
from app.domain.errors import AmbiguousPattern, Moved, NotFound
from app.domain.paths import ArtifactPath
from app.domain.turns import MANY_ENTRIES, PART_ITEMS, TURN_SECONDS, InParts, Turns, run_aside
from app.policy.alike import FolderJudge
from app.policy.decide import visible_entry
from app.policy.rules import Rules
from tests.support.catalogs import catalog_over, tree_of
from tests.support.in_process import Ask, Asker, send
from tests.support.live_server import app_over

T = TypeVar("T")

FILES = 2 * MANY_ENTRIES
FOLDER = ArtifactPath.of("big", is_folder=True)
A_BISECTION = 24
"""More than the entries that are looked at to find a name among a few hundred, twice."""


class Work:
    """What has been done: entries unpacked, and entries decided about."""

    def __init__(self) -> None:
        self.made = self.decided = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counted = Work()
    make = EntryTable._entries

    def counting_make(table: EntryTable, first: int, last: int) -> list[Entry]:
        counted.made += last - first
        return make(table, first, last)

    def counting_show(
        folder: ArtifactPath, entry: Entry, rules: Rules, principal: Principal
    ) -> VisibleEntry | None:
        counted.decided += 1
        return visible_entry(folder, entry, rules, principal)

    def counting_make_one(table: EntryTable, index: int) -> Entry:
        return counting_make(table, index, index + 1)[0]

    monkeypatch.setattr(EntryTable, "_entries", counting_make)
    monkeypatch.setattr(EntryTable, "_entry", counting_make_one)
    monkeypatch.setattr(views, "visible_entry", counting_show)
    judge = FolderJudge.show

    def counting_judge(self: FolderJudge, entry: Entry) -> VisibleEntry | None:
        counted.decided += 1
        return judge(self, entry)

    monkeypatch.setattr(FolderJudge, "show", counting_judge)
    return counted


async def warm_catalog(work: Work) -> Catalog:
    catalog = catalog_over(tree_of(*(f"big/f{n:04}" for n in range(FILES)), "big/sub/x"))
    await catalog.view_folder(FOLDER, ANONYMOUS)
    work.made = work.decided = 0
    return catalog


async def test_a_name_is_looked_up(work: Work) -> None:
    catalog = await warm_catalog(work)
    for name, error in (("absent", NotFound), ("sub", Moved)):
        with pytest.raises(error):
            await catalog.look_up(FOLDER.child(name), ANONYMOUS)
    assert (await catalog.look_up(FOLDER.child("f0100"), ANONYMOUS)).entry.name == "f0100"
    assert work.made <= 3 * A_BISECTION
    assert work.decided <= 3


async def test_licences_of_a_name_are_looked_up(work: Work) -> None:
    catalog = await warm_catalog(work)
    assert await catalog.licences_of(FOLDER.child("f0100"), ANONYMOUS) == ()
    assert work.made <= A_BISECTION
    assert work.decided == 0


@pytest.mark.parametrize(("pattern", "decided"), [("zzz*", 0), ("f010?", 10), ("*a*a*a*b", 0), ("f0100*", 1)])
async def test_a_wildcard_is_decided_about_where_it_matches(work: Work, pattern: str, decided: int) -> None:
    catalog = await warm_catalog(work)
    for ask in (catalog.open_file, catalog.licences_of):
        work.made = work.decided = 0
        if decided == 1:
            await ask(FOLDER.child(pattern), ANONYMOUS)
        else:
            with pytest.raises(AmbiguousPattern if decided else NotFound):
                await ask(FOLDER.child(pattern), ANONYMOUS)
        assert work.decided == decided
        assert work.made <= 2 * A_BISECTION + decided


async def test_no_more_matches_are_looked_for_than_are_named(work: Work) -> None:
    catalog = await warm_catalog(work)
    with pytest.raises(AmbiguousPattern):
        await catalog.open_file(FOLDER.child("f*"), ANONYMOUS)
    assert work.decided == 21


async def test_names_of_a_large_folder_are_searched_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    search = EntryTable.with_part

    def noting_search(table: EntryTable, *parts: str) -> Iterator[Entry]:
        threads.add(threading.get_ident())
        return search(table, *parts)

    store = tree_of(*(f"big/f{n:04}" for n in range(FILES)))
    app, asker = app_over(store, cache_ttl=60), Asker("anonymous")
    assert (await send(app, Ask("/big/", "format=text"), asker)).status == 200
    monkeypatch.setattr(EntryTable, "with_part", noting_search)
    for form in ("html", "json"):
        assert (await send(app, Ask("/big/", f"format={form}&limit={FILES - 1}"), asker)).status == 200
    assert threads, "documents and checksum files are looked for"
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("form", ["html", "json", "ndjson", "text"])
@pytest.mark.parametrize(("query", "decided"), [("limit=1", 2), ("limit=1&after=f0400", 4), ("limit=7", 8)])
async def test_a_page_costs_its_entries(work: Work, form: str, query: str, decided: int) -> None:
    store = tree_of(*(f"big/f{n:04}" for n in range(FILES)))
    app, asker = app_over(store, cache_ttl=60), Asker("anonymous")
    assert (await send(app, Ask("/big/"), asker)).status == 200
    work.made = work.decided = 0
    answer = await send(app, Ask("/big/", f"format={form}&{query}"), asker)
    assert (answer.status, answer.header(b"link") is not None) == (200, True)
    assert work.decided == decided
    assert work.made <= decided + A_BISECTION


@pytest.mark.parametrize(
    ("path", "query", "method", "headers"),
    [
        ("/api/ls/big/", "", "GET", ()),
        ("/api/ls/big/", "", "HEAD", ()),
        ("/api/license/big/", "", "GET", ()),
        ("/big/", "", "HEAD", ()),
        ("/big/", "format=json", "GET", (("if-none-match", '"another"'),)),
    ],
)
async def test_what_was_rendered_once_costs_nothing(
    work: Work, path: str, query: str, method: str, headers: tuple[tuple[str, str], ...]
) -> None:
    store = tree_of(*(f"big/f{n:04}" for n in range(FILES)))
    app, asker = app_over(store, cache_ttl=60), Asker("anonymous")
    ask = Ask(path, query, method, headers)
    first = await send(app, ask, asker)
    work.made = work.decided = 0
    assert (await send(app, ask, asker)).is_like(first)
    assert (work.made, work.decided) == (0, 0)


class Clock:
    """One that goes on each time that it is looked at, by so many seconds."""

    def __init__(self, step: float = 0.001) -> None:
        self.now = 0.0
        self._step = step

    def __call__(self) -> float:
        self.now += self._step
        return self.now


async def counted(work: Awaitable[T]) -> tuple[T, int]:
    """What work gives, and how often others had a turn meanwhile."""
    count = 0

    async def others() -> None:
        nonlocal count
        while True:
            count += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(others())
    await asyncio.sleep(0)
    count = 0
    try:
        return await work, count
    finally:
        counting.cancel()


async def test_others_get_their_turn_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "perf_counter", Clock())
    shared = Turns()

    async def some() -> list[int]:
        # Parts that are each too short for a turn are one piece of work together.
        return [item for _ in range(100) async for part in InParts(range(3), shared) for item in part]

    items, others = await counted(some())
    assert items == [0, 1, 2] * 100
    assert others >= 200 * 0.001 / (TURN_SECONDS + 0.002)


@pytest.mark.parametrize("query", ["recursive=true", "recursive=true&limit=100000"])
async def test_a_subtree_gives_turns_to_others(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tree_of(*(f"big/{n % 50:02}/f{n:04}" for n in range(2000)))
    app, asker = app_over(store, cache_ttl=60), Asker("anonymous")
    await send(app, Ask("/big/"), asker)
    monkeypatch.setattr(turns, "perf_counter", Clock(TURN_SECONDS))  # each part takes as long as that
    answer, others = await counted(send(app, Ask("/big/", query), asker))
    assert answer.body.count(b"\n") == 2050
    # Each entry is looked at twice at least: where it is read, and where it goes out.
    assert others >= 2 * 2000 / PART_ITEMS


async def test_long_work_is_done_beside_the_event_loop() -> None:

    loop = threading.get_ident()
    assert await run_aside(threading.get_ident, entries=MANY_ENTRIES - 1) == loop
    assert await run_aside(threading.get_ident, entries=MANY_ENTRIES) != loop
    assert await run_aside(threading.get_ident, size=1 << 20) != loop
