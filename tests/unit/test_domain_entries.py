"""The order of every listing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.entries import Entry, File, Folder, listing_order

names = st.sampled_from(
    ["latest", "1", "01", "1.0", "16.9", "16.12", "16.12.1", "١", "²", "1.", ".1", "a"]
) | st.text(st.characters(exclude_categories=["Cs"]) | st.just("\udcff"), min_size=1, max_size=6)
entries = st.builds(Folder, names, st.none()) | st.builds(File, names, st.just(0), st.just(0.0), st.none())


def file(name: str) -> File:
    return File(name, 0, 0.0)


def in_order(*mixed: Entry) -> list[str]:
    return [entry.name + "/" * entry.is_folder for entry in sorted(mixed, key=listing_order)]


def test_folders_come_before_files_and_latest_before_all_of_its_kind() -> None:
    mixed: list[Entry] = [file("latest"), file("a"), Folder("b"), Folder("latest"), file("1"), Folder("1")]
    assert in_order(*mixed) == ["latest/", "1/", "b/", "latest", "1", "a"]


def test_numbers_come_newest_first_compared_number_by_number() -> None:
    numbers = ["16.9", "16.12", "2", "10", "16.12.1", "9", "16"]
    assert in_order(*map(Folder, numbers)) == ["16.12.1/", "16.12/", "16.9/", "16/", "10/", "9/", "2/"]


def test_what_only_looks_like_a_number_is_a_name() -> None:
    names = ["1e3", "-1", "1.", ".1", "1..2", "0x10", "\u0661", "\u00b2", "1 ", "9" * 19]
    assert in_order(*map(file, [*names, "5"]))[0] == "5"
    assert in_order(*map(file, names)) == sorted(names, key=str.encode)


def test_names_are_in_byte_order_whatever_their_encoding() -> None:
    assert in_order(*map(file, ["b", "B", "ü", "\udcff", "a", "~"])) == ["B", "a", "b", "~", "ü", "\udcff"]


def test_an_endless_number_is_no_number() -> None:
    assert in_order(file("9" * 5000), file("1")) == ["1", "9" * 5000]


@given(entries, entries)
def test_the_order_is_total(one: Entry, other: Entry) -> None:
    same = (one.name, one.is_folder) == (other.name, other.is_folder)
    assert (listing_order(one) == listing_order(other)) is same


@given(st.lists(entries, max_size=8))
def test_the_order_does_not_depend_on_the_stores(mixed: list[Entry]) -> None:
    assert in_order(*mixed) == in_order(*reversed(mixed))
