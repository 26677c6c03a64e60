"""The orders of a listing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.entries import Entry, File, Folder, LockedFile
from app.domain.order import (
    DIRECTIONS,
    SORT_KEYS,
    Order,
    in_listing_order,
    listing_order,
    position_behind,
    sort_entries,
)

names = st.sampled_from(
    ["latest", "1", "01", "1.0", "16.9", "16.12", "16.12.1", "١", "²", "1.", ".1", "a"]
) | st.text(st.characters(exclude_categories=["Cs"]) | st.just("\udcff"), min_size=1, max_size=6)
times = st.sampled_from([0.0, 1.5, 2.0])
entries = st.builds(Folder, names, st.none() | times, st.none()) | st.builds(
    File, names, st.integers(0, 2), times, st.none()
)
orders = st.builds(Order, st.sampled_from(SORT_KEYS), st.sampled_from(DIRECTIONS))


def file(name: str) -> File:
    return File(name, 0, 0.0)


def in_order(*mixed: Entry) -> list[str]:
    return [entry.name + "/" * entry.is_folder for entry in sorted(mixed, key=listing_order)]


SHAPED = st.lists(
    st.from_regex(r"\A[vVbB][0-9]{2}\.[0-9](?:-(?:rc|RC|x)[0-9])?\.(?:img|7z)\Z")
    | st.from_regex(r"\A(?:latest|LATEST|[0-9]{3}|\.[0-9]{2}|v[0-9]{2})\Z"),
    max_size=4,
)


@given(st.lists(entries, max_size=6) | SHAPED.map(lambda some: list(map(file, some))))
def test_all_at_once_are_in_the_same_order(mixed: list[Entry]) -> None:
    assert in_listing_order(mixed) == sorted(mixed, key=listing_order)


@given(st.data(), st.text("0a-.v", min_size=1, max_size=8))
def test_names_that_differ_in_digits_alone_are_in_the_same_order(data: st.DataObject, shape: str) -> None:
    digits = st.lists(st.sampled_from("019"), min_size=len(shape), max_size=len(shape))
    cases = st.lists(digits, max_size=6)
    mixed: list[Entry] = [
        file("".join(new if old == "0" else old for old, new in zip(shape, some, strict=True)))
        for some in data.draw(cases)
    ]
    assert in_listing_order(mixed) == sorted(mixed, key=listing_order)


def test_folders_come_before_files_and_latest_before_all_of_its_kind() -> None:
    mixed: list[Entry] = [file("latest"), file("a"), Folder("b"), Folder("latest"), file("1"), Folder("1")]
    assert in_order(*mixed) == ["latest/", "1/", "b/", "latest", "1", "a"]
    assert in_order(Folder("Latest"), Folder("9"), Folder("A")) == ["Latest/", "9/", "A/"]


def test_folders_named_as_numbers_come_newest_first() -> None:
    numbers = ["16.9", "16.12", "2", "10", "16.12.1", "9", "16"]
    assert in_order(*map(Folder, numbers)) == ["16.12.1/", "16.12/", "16.9/", "16/", "10/", "9/", "2/"]


def test_folders_named_as_versions_or_dates_come_newest_first() -> None:
    versions = ["v1.2.0", "v1.10.0", "1.9.3", "v1.10.0-rc1", "v1.10.0-rc2"]
    assert in_order(*map(Folder, versions)) == [
        "v1.10.0/",
        "v1.10.0-rc2/",
        "v1.10.0-rc1/",
        "1.9.3/",
        "v1.2.0/",
    ]
    dates = ["2023-12-31", "2024-01-02", "2024-01-10", "2024-01-10T08:00", "2024-01-10T12:00:00Z"]
    assert in_order(*map(Folder, dates)) == [f"{date}/" for date in reversed(dates)]


def test_folders_of_any_kind_of_version_come_newest_first() -> None:
    versions = ["2.0-SNAPSHOT", "2.0.RC2", "2.0.post1", "2.0+git.9f3a", "2.0-final", "v2.1-lts", "3.1.0-r4"]
    assert in_order(Folder("notes"), *map(Folder, versions)) == [
        *(f"{version}/" for version in reversed(versions)),
        "notes/",
    ]


def test_a_version_is_the_same_with_a_v_before_it() -> None:
    assert in_order(*map(file, ["1.3.zip", "v1.2.zip", "1.10.zip", "v4l2.zip"])) == [
        "v1.2.zip",
        "1.3.zip",
        "1.10.zip",
        "v4l2.zip",
    ]
    by_version = sort_entries([Folder("2.0"), Folder("v1.10"), Folder("1.9")], Order("version"), _itself)
    assert [entry.name for entry in by_version] == ["1.9", "v1.10", "2.0"]


@pytest.mark.parametrize(
    "names",
    [
        ["v1.2.0", "v1.10.0"],
        ["build-9", "build-100"],
        ["1.2.0-rc1", "1.2.0"],
        ["tool-1.2.0-dev3.tar.gz", "tool-1.2.0-beta1.tar.gz", "tool-1.2.0-rc1.tar.gz", "tool-1.2.0.tar.gz"],
        ["1.2.0a1", "1.2.0b2", "1.2.0rc1", "1.2.0~rc2", "1.2.0", "1.2.0.post1", "1.2.0.1"],
        ["1.2.0.rc1.tar.gz", "1.2.0.tar.gz"],
        [
            "linux-6.1.tar.sign",
            "linux-6.1.tar.xz",
            "linux-6.1.2.tar.xz",
            "linux-6.1.10.tar.xz",
            "linux-6.2.tar.xz",
        ],
        ["boot.img", "boot.img.sig", "boot-1.img"],
        ["disk.part9", "disk.part10"],
        ["libx.so", "libx.so.1", "libx.so.1.2"],
        [".a", ".b.txt"],
        ["log-2024-9-30.txt", "log-2024-10-1.txt"],
        ["a", "B", "c"],
        ["README", "readme.md", "Release"],
        ["img1", "img01b", "img2"],
        ["x9" + "9" * 300, "x10" + "0" * 400],
    ],
)
def test_files_and_other_folders_come_by_version_whatever_the_case(names: list[str]) -> None:
    assert in_order(*map(file, reversed(names))) == names
    assert in_order(*(Folder(f"x{name}") for name in reversed(names))) == [f"x{name}/" for name in names]


@pytest.mark.parametrize(
    "name", ["1e3", "-1", "1.", ".1", "1..2", "0x10", "\u0661", "\u00b2", "1 ", "release-2"]
)
def test_what_only_looks_like_a_version_comes_behind_the_versions(name: str) -> None:
    assert in_order(Folder(name), Folder("5"), Folder("99")) == ["99/", "5/", f"{name}/"]


@given(entries, entries)
def test_the_order_is_total(one: Entry, other: Entry) -> None:
    same = (one.name, one.is_folder) == (other.name, other.is_folder)
    assert (listing_order(one) == listing_order(other)) is same


@given(st.lists(entries, max_size=8))
def test_the_order_does_not_depend_on_the_stores(mixed: list[Entry]) -> None:
    assert in_order(*mixed) == in_order(*reversed(mixed))


MIXED: list[Entry | LockedFile] = [
    Folder("v2", 20.0),
    Folder("v10", 10.0),
    Folder("timeless"),
    File("a", 3, 30.0),
    File("B", 1, 10.0),
    File("c-1.0", 2, 20.0),
    File("c-1.0-rc1", 2, 20.0),
    LockedFile("locked"),
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order("name"), "timeless v2 v10 a B c-1.0 c-1.0-rc1 locked"),
        (Order("name", "desc"), "v10 v2 timeless locked c-1.0-rc1 c-1.0 B a"),
        (Order("version"), "v2 v10 timeless a B c-1.0-rc1 c-1.0 locked"),
        (Order("version", "desc"), "timeless v10 v2 locked c-1.0 c-1.0-rc1 B a"),
        (Order("modified"), "v10 v2 timeless B c-1.0-rc1 c-1.0 a locked"),
        (Order("modified", "desc"), "v2 v10 timeless a c-1.0 c-1.0-rc1 B locked"),
        (Order("size"), "v10 v2 timeless B c-1.0-rc1 c-1.0 a locked"),
        (Order("size", "desc"), "v10 v2 timeless a c-1.0 c-1.0-rc1 B locked"),
    ],
)
def test_orders_that_are_asked_for(order: Order, expected: str) -> None:
    """Folders first; what has no value comes last of its kind, however the others are turned."""
    for given_order in (MIXED, MIXED[::-1]):
        assert " ".join(entry.name for entry in sort_entries(given_order, order, _itself)) == expected


@given(st.lists(entries, max_size=12, unique_by=lambda entry: (entry.name, entry.is_folder)), orders, entries)
def test_what_comes_behind_a_place(mixed: list[Entry], order: Order, place: Entry) -> None:
    others = [entry for entry in mixed if (entry.name, entry.is_folder) != (place.name, place.is_folder)]
    sorted_entries = sort_entries(others, order, _itself)
    with_place = sort_entries([*others, place], order, _itself)
    behind = with_place[with_place.index(place) + 1 :]
    assert sorted_entries[position_behind(sorted_entries, place, order, _itself) :] == behind


def _itself(entry: Entry | LockedFile) -> Entry | LockedFile:
    return entry
