"""Where a folder is cut: by what is known of it, or guessed from one page."""

from __future__ import annotations

import pytest

from app.storage.s3.split_points import (
    MOST_FOLDERS,
    MOST_RANGES,
    PAGES_PER_RANGE,
    KnownSplits,
    split_points,
)


def ends(count: int) -> list[str]:
    return [f"{number:04}" for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("pages", "cuts"),
    [
        (3, []),
        (4, ["0003"]),
        (7, ["0003", "0006"]),
        (MOST_RANGES * PAGES_PER_RANGE, ends(MOST_RANGES * PAGES_PER_RANGE)[2:-1:3]),
        (MOST_RANGES * PAGES_PER_RANGE + 1, ends(72)[3::4]),
    ],
)
def test_a_known_folder_is_cut_at_the_ends_of_its_pages(pages: int, cuts: list[str]) -> None:
    known = KnownSplits()
    assert known.of("d/") == ()
    known.learn("d/", ends(pages))
    assert list(known.of("d/")) == cuts
    assert known.of("other/") == ()


def test_the_folder_that_was_used_last_is_remembered() -> None:
    known = KnownSplits()
    for number in range(MOST_FOLDERS + 1):
        known.learn(f"{number}/", ends(4))
        assert known.of("0/")
    assert not known.of("1/")
    assert known.of("2/")


@pytest.mark.parametrize(
    ("until", "points"),
    [
        (None, ["03", "06", "09", *"12345678"]),
        ("d/05", ["03"]),
        ("d/1", ["03", "06", "09"]),
        ("d/3", ["03", "06", "09", "1", "2"]),
    ],
)
def test_points_lie_where_names_would_go_on(until: str | None, points: list[str]) -> None:
    """A page from 0000 to 0099 is followed by nine like it below 1000: three of them are worth a range. Above, each step
    is ten pages, and of nine steps there is room for eight."""
    found = split_points([f"d/{number:04}" for number in range(100)], until, "d/")
    assert [point.removeprefix("d/") for point in found] == points


@pytest.mark.parametrize(
    ("page", "points"),
    [(["a0", "a9"], ["i", "w"]), (["A0", "A9"], ["I", "W"]), (["z0", "z9"], []), (["~0", "~9"], [])],
)
def test_a_character_that_stands_alone_is_followed_by_a_few_of_its_kind(
    page: list[str], points: list[str]
) -> None:
    """Of four steps through the rest of the alphabet each second one: a step is two pages, and a range takes three."""
    assert split_points([f"d/{name}" for name in page], None, "d/") == [f"d/{point}" for point in points]
