"""A search ends when it has enough or its time is over, and says where the next one goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest

from app.catalog import SubtreeSearch, name_filter
from app.domain.access import Access, VisibleEntry
from app.domain.entries import File, Folder
from app.domain.errors import BadParameter
from app.domain.paths import ROOT
from app.policy.name_patterns import MAX_PATTERN_BYTES
from tests.support.clocks import Clock


def visible(name: str) -> VisibleEntry:
    return VisibleEntry(ROOT.child(name), File(name, 1, 0.0), Access.PUBLIC)


def folder(name: str, access: Access = Access.PUBLIC) -> VisibleEntry:
    return VisibleEntry(ROOT.child(name, is_folder=True), Folder(name), access)


class Searched:
    """A search for names with an `x` over a walk, each of whose parts takes a second."""

    def __init__(self, *parts: Sequence[VisibleEntry], limit: int = 2, seconds: float = 9) -> None:
        self.parts = parts
        self.clock = Clock()
        self.given = 0
        self.is_closed = False
        self.search = SubtreeSearch(
            self.walk(), name_filter("x"), limit=limit, seconds=seconds, clock=lambda: self.clock.now
        )

    async def walk(self) -> AsyncGenerator[Sequence[VisibleEntry], None]:
        try:
            for part in self.parts:
                self.clock.now += 1
                self.given += 1
                yield part
        finally:
            self.is_closed = True

    async def names(self) -> list[list[str]]:
        """Of each part."""
        found = [[each.entry.name for each in part] async for part in self.search.parts()]
        assert self.is_closed
        assert self.search.found == sum(map(len, found))
        return found

    @property
    def last(self) -> str | None:
        return self.search.last and self.search.last.entry.name


async def test_all_that_matches_some_at_a_time() -> None:
    searched = Searched([visible("x1"), visible("a")], [visible("b")], [visible("Xx")], limit=3)
    assert await searched.names() == [["x1"], [], ["Xx"]]
    assert searched.last is None


async def test_it_ends_within_a_part_that_has_more() -> None:
    searched = Searched([visible("x1"), visible("x2"), visible("a")], [visible("x3")])
    assert await searched.names() == [["x1", "x2"]]
    assert (searched.last, searched.given) == ("x2", 1)


async def test_it_ends_before_a_part_if_there_are_enough() -> None:
    searched = Searched([visible("x1"), visible("x2")], [visible("a")], [visible("b")])
    assert await searched.names() == [["x1", "x2"]]
    assert (searched.last, searched.given) == ("x2", 2)


async def test_enough_at_the_very_end_is_all() -> None:
    searched = Searched([visible("x1"), visible("x2")])
    assert await searched.names() == [["x1", "x2"]]
    assert searched.last is None


async def test_it_ends_when_the_time_is_over() -> None:
    searched = Searched([visible("a")], [visible("x1")], [visible("x2")], seconds=3)
    assert await searched.names() == [[], ["x1"]]
    assert (searched.last, searched.given) == ("x1", 3)


async def test_folders_that_nobody_may_search_are_counted() -> None:
    closed = folder("x", Access.CLOSED), visible("y")._replace(access=Access.CLOSED), folder("z")
    searched = Searched(closed, [folder("w", Access.CLOSED)])
    assert await searched.names() == [["x"], []]
    assert searched.search.left_out == 2


def test_a_name_matches_in_part_or_as_a_whole_by_a_wildcard_in_any_case() -> None:
    part, whole = name_filter("Boot"), name_filter("*.IMG")
    assert [part("u-BOOT.img"), part("root.img"), whole("a.img"), whole("a.img.gz")] == [
        True,
        False,
        True,
        False,
    ]


def test_a_name_matches_however_its_characters_are_composed() -> None:
    assert name_filter("Mu\u0308nchen")("m\u00fcnchen.img")


def test_no_name_is_longer_than_what_is_looked_for() -> None:
    assert name_filter("u" * MAX_PATTERN_BYTES)("u" * MAX_PATTERN_BYTES)
    with pytest.raises(BadParameter, match=f"at most {MAX_PATTERN_BYTES} bytes"):
        name_filter("u" * (MAX_PATTERN_BYTES + 1))
