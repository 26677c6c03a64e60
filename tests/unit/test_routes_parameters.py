"""Query parameters, from the bytes of a request on."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from app.domain.errors import BadParameter
from app.routes.parameters import Query


def query(raw: bytes) -> Query:
    return Query(Request({"type": "http", "query_string": raw, "headers": []}))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"", None),
        (b"other=1", None),
        (b"name=a", "a"),
        (b"name=", ""),
        (b"name", ""),
        (b"name=a+b", "a b"),
        (b"name=a%20b", "a b"),
        (b"name=a%2Bb", "a+b"),
        (b"name=a%26b%3Dc", "a&b=c"),
        (b"name=%C3%BC", "ü"),
        (b"name=%ff", "\udcff"),
        (b"name=\xff", "\udcff"),
        (b"name=%zz", "%zz"),
        (b"name=a;b", "a;b"),
        (b"na%6De=a", "a"),
        (b"&&name=a&&", "a"),
    ],
)
def test_text_is_decoded_byte_for_byte(raw: bytes, value: str | None) -> None:
    assert query(raw).text("name") == value


@pytest.mark.parametrize("raw", [b"name=a&name=b", b"name=a&name=a", b"name&name="])
def test_a_parameter_is_given_once(raw: bytes) -> None:
    with pytest.raises(BadParameter, match="name must be given at most once"):
        query(raw).text("name")


def test_one_of_a_few_words_is_chosen() -> None:
    assert query(b"format=json").choice("format", ("json", "text")) == "json"
    assert query(b"").choice("format", ("json", "text")) is None
    for raw in (b"format=", b"format=JSON", b"format=json%20", b"format=jso", b"format=json,text"):
        with pytest.raises(BadParameter, match="format must be one of json, text"):
            query(raw).choice("format", ("json", "text"))


def test_a_flag_is_true_or_false() -> None:
    assert query(b"deep=true").flag("deep")
    assert not query(b"deep=false").flag("deep")
    assert not query(b"").flag("deep")
    for raw in (b"deep", b"deep=1", b"deep=True", b"deep=yes"):
        with pytest.raises(BadParameter, match="deep must be one of true, false"):
            query(raw).flag("deep")


@pytest.mark.parametrize(("raw", "value"), [(b"", None), (b"n=1", 1), (b"n=007", 7), (b"n=100", 100)])
def test_a_number_is_whole_and_in_range(raw: bytes, value: int | None) -> None:
    assert query(raw).number("n", 100) == value


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "+1", "101", "1.0", "1e1", " 1", "1 ", "0x1", "1_0", "\u0661", "\u00b2", "9" * 5000],
)
def test_what_is_no_number_in_range_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="n must be a whole number from 1 to 100"):
        query(b"n=" + text.encode().replace(b"+", b"%2B")).number("n", 100)


def test_more_fields_than_anybody_sends_are_refused() -> None:
    assert query(b"&".join([b"x=1"] * 49 + [b"name=a"])).text("name") == "a"
    with pytest.raises(BadParameter, match="the query must be at most 50 fields"):
        query(b"&".join([b"x=1"] * 51))


@given(st.binary(max_size=60))
@example(b"name=%ed%a0%80")
@example(b"name=\xed\xb2\x80")
def test_any_query_is_text_or_a_bad_parameter(raw: bytes) -> None:
    try:
        value = query(raw).text("name")
    except BadParameter:
        return
    assert value is None or value.encode("utf-8", "surrogateescape") is not None
