"""Packed entries are what they were before."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.entries import Entry, File, Folder
from app.domain.entry_table import EntryTable
from app.domain.order import listing_order
from app.domain.packed_validators import packed, packed_all

NAMES = st.one_of(
    st.sampled_from(
        ["latest", "1", "10", "9", "16.09", "a", "\udcff", "🚢", "a.EULA.txt", "EULA.txtEULA.txt"]
    ),
    st.text(min_size=1, max_size=6).map(lambda text: text.encode("utf-8", "replace").decode("utf-8")),
)
E_TAGS = st.one_of(
    st.none(),
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.builds(
        lambda digest, parts: f"{digest.hex()}-{parts}",
        st.binary(min_size=16, max_size=16),
        st.integers(1, 99),
    ),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace").decode("utf-8")),
    st.sampled_from(
        ["D41D8CD98F00B204E9800998ECF8427E", "d4 1d8cd98f00b204e9800998ecf8427", "0" * 31, "\udcff"]
    ),
)
TIMES = st.floats(-1e10, 1e11)
ENTRIES: st.SearchStrategy[list[Entry]] = st.lists(
    st.one_of(
        st.builds(Folder, NAMES, st.none() | TIMES, st.none()),
        st.builds(File, NAMES, st.integers(0, 2**60), TIMES, st.text("0-f"), st.text("0-fé")),
        st.builds(
            File,
            NAMES,
            st.integers(0, 2**60),
            TIMES,
            E_TAGS,
            st.none() | st.text(),
            st.none() | st.text(min_size=1),
        ),
    ),
    max_size=12,
)


@example([], 31)
@example([], 32)
@example([], 127)
@example([], 128)
@given(
    st.lists(st.builds(File, NAMES, st.integers(0, 9), TIMES, st.text("0-f"), st.text("0-f"))),
    st.integers(0, 200),
)
def test_validators_of_a_directory_are_packed_at_once_as_each_is(files: list[File], length: int) -> None:
    files.append(File("last", 0, 0.0, "0" * (length % 40), "f" * length))
    assert packed_all(files) == [packed(*file[3:]) for file in files]


@given(ENTRIES)
def test_a_table_is_the_sequence_that_it_was_made_of(entries: list[Entry]) -> None:
    table = EntryTable.of(entries)
    assert len(table) == len(entries)
    assert list(table) == entries
    assert [table[index] for index in range(-len(entries), len(entries))] == entries * 2
    assert table[1:-1] == tuple(entries[1:-1])
    assert table == entries == table
    assert table == EntryTable.of(entries)
    assert hash(table) == hash(EntryTable.of(entries))
    assert all(type(packed) is type(entry) for packed, entry in zip(table, entries, strict=True))


@given(ENTRIES, ENTRIES)
def test_two_tables_are_equal_as_their_entries_are(one: list[Entry], other: list[Entry]) -> None:
    assert (EntryTable.of(one) == EntryTable.of(other)) is (one == other)
    assert (EntryTable.of(one) == tuple(other)) is (one == other)


@given(ENTRIES)
def test_listing_order(entries: list[Entry]) -> None:
    assert list(EntryTable.of(entries).in_listing_order()) == sorted(entries, key=listing_order)


@pytest.mark.parametrize("count", [4096, 4097, 9_000, 13_000])
def test_listing_order_of_many(count: int) -> None:
    """More than are sorted in one step; what is in order already is not copied."""
    entries = [File(str(number * 7919 % count), number, 0.0) for number in range(count)]
    table = EntryTable.of(entries).in_listing_order()
    assert list(table) == sorted(entries, key=listing_order)
    assert table.in_listing_order() is table


@given(ENTRIES, st.sampled_from(["EULA.txt", "a", "1", "🚢", "\udcff", "aa"]))
def test_entries_are_found_by_a_part_of_their_name(entries: list[Entry], part: str) -> None:
    expected = [entry for entry in entries if part in entry.name]
    assert list(EntryTable.of(entries).with_part(part)) == expected


def test_there_is_nothing_beyond_its_ends() -> None:
    table = EntryTable.of([Folder("a")])
    for index in (1, -2):
        with pytest.raises(IndexError):
            table[index]


def test_it_is_compact() -> None:
    """The figure that the module's description gives."""
    files = [
        File(f"build-{number:010}.img", number, 1.5e9 + number, f"{number:032x}") for number in range(10_000)
    ]
    assert EntryTable.of(files).bytes_held / len(files) < 63


def test_its_cost_is_what_its_columns_take() -> None:
    empty, one = EntryTable.of([]), EntryTable.of([File("name", 1, 1.0, "tag")])
    assert sys.getsizeof(empty) < empty.bytes_held < one.bytes_held
