"""Content negotiation, clause by clause of RFC 9110 section 12."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http_semantics import choose_encoding, choose_media_type, list_members

HTML, JSON, NDJSON, TEXT = "text/html", "application/json", "application/x-ndjson", "text/plain"
OFFERED = (HTML, JSON, NDJSON, TEXT)
CODINGS = ("zstd", "br", "gzip")

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", HTML),
        (FIREFOX, HTML),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/json, text/html", HTML),  # ties go by the server's order
        ("application/json, text/html;q=0.9", JSON),
        ("text/*;q=0.3, text/plain;q=0.7, application/*;q=0.5", TEXT),  # 12.5.1: specificity
        ("text/html;q=0, */*", JSON),
        ("text/html;q=0.0, text/*", TEXT),
        ("*/*;q=0.1, application/*", JSON),
        ("text/html;level=1, text/plain;q=0.2", TEXT),  # none offered has that parameter
        ("text/html ; q=0.5 , text/plain", TEXT),
        ('text/plain;x="a,b;q=0", text/html;q=0.1', HTML),  # 5.6.4: quoted-string
        ("q=1;text/html", HTML),
        (",,application/json,,", JSON),
        ("text/plain;Q=1, text/html;q=0.999", TEXT),
        ("text/plain;", TEXT),
        ("image/png", None),
        ("*/*;q=0", None),
        ("text/html;q=0", None),
        # 12.4.1 and the malformed: as if absent
        ("", HTML),
        ("text", HTML),
        ("*/html, application/json", HTML),
        ("application/json;q=2", HTML),
        ("application/json;q=0.1234", HTML),
        ("application/json;q", HTML),
        ("application/json foo", HTML),
        ("image/png, *; q=.2, */*; q=.2", HTML),
        ('application/json;x="', HTML),
    ],
)
def test_12_5_1_accept(accept: str, chosen: str | None) -> None:
    assert choose_media_type([accept], OFFERED) == chosen


def test_12_5_1_absent_and_repeated() -> None:
    assert choose_media_type([], OFFERED) == HTML
    assert choose_media_type(["text/plain;q=0.5", "application/json"], OFFERED) == JSON  # 5.3


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),  # 8.4.1.3
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),  # ties go by the server's order
        ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("deflate", "identity"),
        ("*", "zstd"),
        ("*;q=0.5, gzip", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, *", "zstd"),
        ("zstd;q=0, *;q=0.5", "br"),
        ("identity", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.4", "identity"),
        ("identity;q=0.5, gzip;q=0.6", "gzip"),
        ("gzip;q=0.001", "gzip"),  # unstated identity is liked least
        ("identity;q=0, gzip", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("identity;q=0", "identity"),  # nothing else is acceptable either
        ("*;q=0", "identity"),
        ("", "identity"),
        ("gzip;q=oops", "identity"),
        ("gzip br", "identity"),
    ],
)
def test_12_5_3_accept_encoding(value: str, chosen: str) -> None:
    assert choose_encoding([value], CODINGS) == chosen


def test_12_5_3_absent_and_repeated() -> None:
    assert choose_encoding([], CODINGS) == "identity"
    assert choose_encoding(["gzip;q=0.5", "br"], CODINGS) == "br"
    assert choose_encoding(["gzip"], ()) == "identity"


def test_5_6_1_list_members() -> None:
    assert list_members(['a , "b,c" x', "", ",,d"]) == ["a", '"b,c" x', "d"]


@given(st.text(st.sampled_from('*/;=q01.ahtml, "\\\t'), max_size=60))
def test_no_text_breaks_negotiation(value: str) -> None:
    assert choose_media_type([value], OFFERED) in (*OFFERED, None)
    assert choose_encoding([value], CODINGS) in (*CODINGS, "identity")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ['"', '"\\', "\\", ";", "*/*;q", ", "])
def test_hostile_fields_take_linear_time(unit: str) -> None:
    long = '"' + unit * (200_000 // len(unit))
    assert choose_media_type([long], OFFERED) == HTML
    assert choose_encoding([long], CODINGS) == "identity"
