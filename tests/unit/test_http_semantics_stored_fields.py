"""What is stored with an object: said on where it is well-formed, and never to undo what this server decides."""

from __future__ import annotations

import pytest

from app.http_semantics import content_coding, content_language, disposition_with, stricter_cache_control


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("aws-chunked", ""),
        ("gzip, aws-chunked", "gzip"),
        ("identity", ""),
        ("gzip\r\nX: y", ""),
        ("gzip;q=1", ""),
    ],
)
def test_codings(stored: str, said: str) -> None:
    assert content_coding(stored) == said


def test_languages() -> None:
    assert content_language("de, en-GB") == "de, en-GB"
    assert content_language("de\n") == "de"
    assert content_language("two words") == ""


@pytest.mark.parametrize(
    ("ours", "stored", "said"),
    [
        ("no-cache", "", "no-cache"),
        ("no-cache", "public, max-age=31536000, immutable", "no-cache"),
        ("no-cache", "no-store", "no-cache, no-store"),
        ("no-cache", "Private, max-age=60", "no-cache, private"),
        ("private, no-store", "no-store, no-transform", "private, no-store, no-transform"),
        ("no-cache", "x\r\nSet-Cookie: a=b", "no-cache"),
    ],
)
def test_only_what_is_stricter_is_added(ours: str, stored: str, said: str) -> None:
    assert stricter_cache_control(ours, stored) == said


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("", 'attachment; filename="f.html"'),
        ("inline", 'attachment; filename="f.html"'),
        ('inline; filename="x.html"', 'attachment; filename="x.html"'),
        ("attachment", 'attachment; filename="f.html"'),
        ("attachment; filename=nice.html", 'attachment; filename="nice.html"'),
        (
            'ATTACHMENT; FileName="a\\"b.html"',
            "attachment; filename=\"a_b.html\"; filename*=UTF-8''a%22b.html",
        ),
        (
            "attachment; filename=x; filename*=UTF-8''%C3%BC.html",
            "attachment; filename=\"u.html\"; filename*=UTF-8''%C3%BC.html",
        ),
        ('attachment; filename="../../.profile"', 'attachment; filename="f.html"'),
        ('attachment; filename=".profile"', 'attachment; filename="f.html"'),
        ('attachment; filename="a\r\nX: y"', 'attachment; filename="f.html"'),
        ("attachment; filename=a b", 'attachment; filename="f.html"'),
        ("; filename=x", 'attachment; filename="f.html"'),
    ],
)
def test_what_is_saved_stays_saved(stored: str, said: str) -> None:
    assert disposition_with(stored, "f.html", "attachment") == said


def test_what_may_be_shown_is_saved_where_the_object_says_so() -> None:
    assert disposition_with("attachment", "f.txt", "inline") == 'attachment; filename="f.txt"'
    assert disposition_with("inline; filename=x.txt", "f.txt", "inline") == "inline"
