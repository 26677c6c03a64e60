"""Conditional requests, clause by clause of RFC 9110 section 13, and the dates of section 5.6.7."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http_semantics import (
    FieldLines,
    Validators,
    Verdict,
    evaluate_preconditions,
    http_date,
    if_range_holds,
    parse_http_date,
)

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
MODIFIED = 784111777.25  # a quarter past Sun, 06 Nov 1994 08:49:37 GMT
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
CURRENT = Validators("abc,\\d", MODIFIED)  # an opaque tag may hold commas and backslashes
TAG = '"abc,\\d"'

PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.PRECONDITION_FAILED


def fields(**lines: str | Sequence[str]) -> FieldLines:
    """Header fields by name, with `_` for `-`; a list stands for a repeated field."""
    by_name = {
        name.replace("_", "-"): [value] if isinstance(value, str) else value for name, value in lines.items()
    }
    return lambda name: by_name.get(name, ())


def verdict(method: str = "GET", **lines: str | Sequence[str]) -> Verdict:
    return evaluate_preconditions(method, fields(**lines), CURRENT, now=NOW)


def test_no_precondition_proceeds() -> None:
    assert verdict() is PROCEED


@pytest.mark.parametrize("method", ["CONNECT", "OPTIONS", "TRACE"])
def test_13_2_1_methods_that_select_nothing_ignore_preconditions(method: str) -> None:
    assert verdict(method, if_match='"other"') is PROCEED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TAG, PROCEED),
        ("*", PROCEED),
        (" * ", PROCEED),
        (f'"x", {TAG} , "y"', PROCEED),
        (f', ,"x",,{TAG},', PROCEED),  # 5.6.1.2: empty members are legal
        (['"x"', TAG], PROCEED),  # 5.3: repeated lines are one list
        ('"other"', FAILED),
        (f"W/{TAG}", FAILED),  # 13.1.1: strong comparison
        ('"abc", "d"', FAILED),
        ("", FAILED),
        (f"{TAG} {TAG}", FAILED),  # malformed lists name nothing
        (f"{TAG}, junk", FAILED),
        (f"*, {TAG}", FAILED),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_13_1_1_if_match(method: str, value: str | list[str], expected: Verdict) -> None:
    assert verdict(method, if_match=value) is expected


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        (TAG, True),
        (f"W/{TAG}", True),  # 13.1.2: weak comparison
        ("*", True),
        (f'W/"x",{TAG},"y"', True),
        (['"x"', TAG], True),
        ('"x", "y"', False),
        (f"w/{TAG}", False),  # 8.8.3: the W is case-sensitive
        ('"ABC,\\D"', False),
        ("abc,\\d", False),
        ("", False),
        ('"', False),
    ],
)
def test_13_1_2_if_none_match(value: str | list[str], matches: bool) -> None:
    assert verdict("GET", if_none_match=value) is (NOT_MODIFIED if matches else PROCEED)
    assert verdict("HEAD", if_none_match=value) is (NOT_MODIFIED if matches else PROCEED)
    assert verdict("PUT", if_none_match=value) is (FAILED if matches else PROCEED)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (DATE, NOT_MODIFIED),  # compared at whole seconds, as Last-Modified shows it
        (LATER, NOT_MODIFIED),
        (EARLIER, PROCEED),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NOT_MODIFIED),
        ("Sun Nov  6 08:49:37 1994", NOT_MODIFIED),
        ("yesterday", PROCEED),
        ([LATER, LATER], PROCEED),  # more than one member: ignored
        (f"{LATER}, {LATER}", PROCEED),
    ],
)
def test_13_1_3_if_modified_since(value: str | list[str], expected: Verdict) -> None:
    assert verdict("GET", if_modified_since=value) is expected
    assert verdict("HEAD", if_modified_since=value) is expected


def test_13_1_3_if_modified_since_is_for_get_and_head() -> None:
    assert verdict("PUT", if_modified_since=LATER) is PROCEED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (DATE, PROCEED),
        (LATER, PROCEED),
        (EARLIER, FAILED),
        ("never", PROCEED),
        ([EARLIER, EARLIER], PROCEED),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_13_1_4_if_unmodified_since(method: str, value: str | list[str], expected: Verdict) -> None:
    assert verdict(method, if_unmodified_since=value) is expected


def test_13_2_2_if_match_replaces_if_unmodified_since() -> None:
    assert verdict(if_match=TAG, if_unmodified_since=EARLIER) is PROCEED
    assert verdict(if_match='"x"', if_unmodified_since=LATER) is FAILED


def test_13_2_2_if_none_match_replaces_if_modified_since() -> None:
    assert verdict(if_none_match='"x"', if_modified_since=LATER) is PROCEED
    assert verdict(if_none_match=TAG, if_modified_since=EARLIER) is NOT_MODIFIED


def test_13_2_2_if_match_goes_before_if_none_match() -> None:
    assert verdict(if_match='"x"', if_none_match=TAG) is FAILED
    assert verdict(if_match=TAG, if_none_match=TAG) is NOT_MODIFIED
    assert verdict(if_unmodified_since=LATER, if_modified_since=LATER) is NOT_MODIFIED


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ([], True),
        ([TAG], True),
        ([f" {TAG} "], True),
        ([f"W/{TAG}"], False),  # strong comparison
        (['"other"'], False),
        (["*"], False),
        ([f'{TAG}, "x"'], False),  # no list
        ([TAG, TAG], False),
        ([DATE], True),
        (["Sun Nov  6 08:49:37 1994"], True),
        ([LATER], False),  # exact match, not "since"
        ([EARLIER], False),
        (["garbage"], False),
        ([""], False),
    ],
)
def test_13_1_5_if_range(lines: list[str], holds: bool) -> None:
    assert if_range_holds(lines, CURRENT, now=NOW) is holds


@pytest.mark.parametrize(("age", "holds"), [(0.9, False), (1.0, True), (-5, False)])
def test_8_8_2_2_a_date_within_its_own_second_is_weak(age: float, holds: bool) -> None:
    fresh = Validators("x", NOW)
    assert if_range_holds([http_date(NOW)], fresh, now=NOW + age) is holds


def test_8_8_2_1_last_modified_is_never_in_the_future() -> None:
    assert Validators("x", NOW + 3600).last_modified(NOW) == http_date(NOW)
    assert Validators("x", MODIFIED).last_modified(NOW) == DATE


@pytest.mark.parametrize("name", ["if-modified-since", "if-unmodified-since"])
@pytest.mark.parametrize("value", [http_date(0), DATE, http_date(NOW)])
def test_13_1_3_and_4_a_time_is_ignored_where_none_is_known(name: str, value: str) -> None:
    unknown = Validators("x", None)
    assert unknown.last_modified(NOW) == ""
    assert (
        evaluate_preconditions("GET", fields(**{name.replace("-", "_"): value}), unknown, now=NOW) is PROCEED
    )
    assert not if_range_holds([value], unknown, now=NOW)


def test_8_8_3_etag_is_quoted() -> None:
    assert CURRENT.etag == TAG


@pytest.mark.parametrize(
    "text",
    [DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"],
)
def test_5_6_7_all_three_forms(text: str) -> None:
    assert parse_http_date(text, now=NOW) == 784111777


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sun, 06 nov 1994 08:49:37 gmt",  # case-sensitive
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "784111777",
        "1994-11-06T08:49:37Z",
    ],
)
def test_5_6_7_invalid_dates(text: str) -> None:
    assert parse_http_date(text, now=NOW) is None


@pytest.mark.parametrize(("digits", "year"), [("73", 2073), ("74", 1974), ("00", 2000), ("99", 1999)])
def test_5_6_7_two_digit_years_are_at_most_50_years_ahead(digits: str, year: int) -> None:
    assert parse_http_date(f"Monday, 01-Jan-{digits} 00:00:00 GMT", now=NOW) == parse_http_date(
        f"Mon, 01 Jan {year} 00:00:00 GMT", now=NOW
    )


def test_5_6_7_a_leap_second_is_legal() -> None:
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", now=NOW) == 1483228800


@pytest.mark.parametrize(("seconds", "year"), [(-1e300, "1970"), (-1.5, "1970"), (1e300, "9999")])
def test_absurd_times_still_have_a_date(seconds: float, year: str) -> None:
    assert year in http_date(seconds)


@given(st.floats(min_value=0, max_value=253402300799.5, allow_nan=False))
def test_a_date_reads_back_as_its_whole_second(seconds: float) -> None:
    assert parse_http_date(http_date(seconds), now=NOW) == seconds // 1


@given(st.text())
def test_no_text_breaks_the_date_reader(text: str) -> None:
    assert parse_http_date(text, now=NOW) is None


HEADER_TEXT = st.text(st.sampled_from('"W/*, \\abcd\t\xff'), max_size=40)


@given(st.lists(HEADER_TEXT, max_size=3), st.lists(HEADER_TEXT, max_size=3))
def test_garbage_in_tags_is_never_an_error(match: list[str], none_match: list[str]) -> None:
    assert verdict(if_match=match, if_none_match=none_match, if_range=match) in Verdict
