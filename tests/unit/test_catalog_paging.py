"""Pages and cursors: whatever comes and goes between two pages, the rest is seen once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.catalog.paging import Page, cursor_of, path_behind, take_page
from app.domain.access import Access, VisibleEntry
from app.domain.entries import Entry, File, Folder, LockedFile
from app.domain.errors import BadParameter
from app.domain.order import DIRECTIONS, SORT_KEYS, Order, SortKey, listing_order, sort_entries
from app.domain.paths import ROOT, ArtifactPath, is_possible_name

names = (
    st.sampled_from(["latest", "1", "01", "1.0", "16.09", "16.12", "9", "a", "A", "a b", "ü", "\udcff", "é"])
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
).filter(is_possible_name)
entries = names.map(Folder) | names.map(lambda name: File(name, 1, 0.0))
folders = st.frozensets(entries, max_size=12)
orders = st.builds(Order, st.sampled_from(SORT_KEYS), st.sampled_from(DIRECTIONS))


def listing(content: frozenset[Entry]) -> tuple[VisibleEntry, ...]:
    return tuple(filter(None, map(show, sorted(content, key=listing_order))))


def show(entry: Entry) -> VisibleEntry | None:
    """Names with an `a` are for others."""
    path = ROOT.child(entry.name, is_folder=entry.is_folder)
    return None if "a" in entry.name else VisibleEntry(path, entry, Access.PUBLIC)


def page_of(content: frozenset[Entry], after: str | None, limit: int | None) -> Page:
    return take_page(sorted(content, key=listing_order), show, after=after, limit=limit)


def pages(content: frozenset[Entry], limit: int) -> list[Page]:
    found = [page_of(content, None, limit)]
    while found[-1].next_after is not None:
        found.append(page_of(content, found[-1].next_after, limit))
    return found


@given(folders, st.integers(1, 5))
def test_pages_together_are_the_listing(content: frozenset[Entry], limit: int) -> None:
    parts = pages(content, limit)
    assert tuple(visible for part in parts for visible in part.entries) == listing(content)
    assert all(len(part.entries) == limit for part in parts[:-1])


@given(folders, st.lists(folders, min_size=1, max_size=4), st.integers(1, 3))
def test_what_stays_is_seen_once_whatever_comes_and_goes(
    stays: frozenset[Entry], others: list[frozenset[Entry]], limit: int
) -> None:
    seen: list[Entry | LockedFile] = []
    after: str | None = None
    for number in range(len(stays) + sum(map(len, others)) + len(others) + 2):
        content = stays | others[number % len(others)]
        part = page_of(content, after, limit)
        seen += (visible.entry for visible in part.entries)
        after = part.next_after
        if after is None:
            break
    else:
        pytest.fail("the pages do not end")
    stays = frozenset(filter(show, stays))
    assert all(seen.count(entry) == 1 for entry in stays if entry in seen)
    assert len(seen) == len(set(seen))
    lost = [entry for entry in stays if entry not in seen]
    # A page whose last entry is the listing's last is the last page, and what came behind it later is not lost.
    assert all(listing_order(entry) > max(map(listing_order, seen)) for entry in lost)


@given(entries)
def test_a_cursor_names_the_entry_it_was_made_from(entry: Entry) -> None:
    visible = VisibleEntry(ROOT.child(entry.name), entry, Access.PUBLIC)
    place = path_behind(ROOT, cursor_of(visible))
    assert place == ArtifactPath((entry.name,), entry.is_folder)


@given(entries, folders)
def test_a_page_begins_behind_its_cursor_whether_that_is_there_or_not(
    gone: Entry, content: frozenset[Entry]
) -> None:
    visible = VisibleEntry(ROOT.child(gone.name), gone, Access.PUBLIC)
    part = page_of(content, cursor_of(visible), None)
    behind = [v for v in listing(content) if listing_order(v.entry) > listing_order(gone)]
    assert part.entries == tuple(behind)


@given(folders, orders, st.integers(1, 4))
def test_pages_in_any_order_are_that_order(content: frozenset[Entry], order: Order, limit: int) -> None:
    in_order = sort_entries(filter(show, content), order, lambda entry: entry)
    expected = list(filter(None, map(show, in_order)))
    found: list[VisibleEntry] = []
    after: str | None = None
    for _ in range(len(expected) + 1):
        part = take_page(in_order, show, after=after, limit=limit, order=order)
        found += part.entries
        if (after := part.next_after) is None:
            break
    assert found == expected


@pytest.mark.parametrize("cursor", ["", "a", "x a", "nan a", "inf a", "1", "1 ", "1 a/b", "- "])
@pytest.mark.parametrize("by", ["size", "modified"])
def test_a_cursor_by_value_has_the_value(cursor: str, by: SortKey) -> None:
    with pytest.raises(BadParameter, match="after must be"):
        take_page([], show, after=cursor, limit=None, order=Order(by))


def test_a_cursor_is_a_path_below_the_folder() -> None:
    folder = ArtifactPath.from_text("x/y/")
    assert path_behind(folder, "a/b/c.txt") == ArtifactPath.from_text("x/y/a/b/c.txt")
    assert path_behind(folder, "a/b/") == ArtifactPath.from_text("x/y/a/b/")
    assert path_behind(ROOT, "/a") == ArtifactPath.from_text("a")


@pytest.mark.parametrize("cursor", ["", "/", "//", "..", "a/../b", "a//b", ".", "a/./b", "a\x00", "a" * 5000])
def test_what_names_nothing_is_no_cursor(cursor: str) -> None:
    with pytest.raises(BadParameter, match="after must be"):
        path_behind(ROOT, cursor)
    with pytest.raises(BadParameter, match="after must be"):
        page_of(frozenset(), cursor, None)


def test_a_folders_own_page_begins_behind_an_entry_of_its_own() -> None:
    with pytest.raises(BadParameter, match="a name in this folder"):
        page_of(frozenset(), "a/b", None)


@given(st.text(max_size=20))
@example("a/\ud800")
def test_any_text_is_a_cursor_or_a_bad_parameter(text: str) -> None:
    try:
        path = path_behind(ROOT, text)
    except BadParameter:
        return
    assert path.segments
    assert all(map(is_possible_name, path.segments))
