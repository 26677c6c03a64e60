"""What can be a root path."""

from __future__ import annotations

from html import escape
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.root_path import parse_root_path


@pytest.mark.parametrize(
    ("text", "root_path"),
    [
        *(("", ""), ("/", ""), ("/downloads", "/downloads"), ("/a/b/", "/a/b"), ("/a.b/-_~9", "/a.b/-_~9")),
        ("/...", "/..."),
    ],
)
def test_a_root_path(text: str, root_path: str) -> None:
    assert parse_root_path(text) == root_path


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a",
            "a/b",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/a/./b",
            "/a/..",
            "/a b",
            "/%61",
            "/a\n",
            "/a\r\nX: y",
        ),
        *('/"', "/<", "/a;b", "/a,b", "/a?b", "/a#b", "\\a", "/ü", "http://a", "/" + "a" * 200),
    ],
)
def test_no_root_path(text: str) -> None:
    with pytest.raises(ValueError, match="a root path is empty, or a path such as"):
        parse_root_path(text)


@given(st.text(st.sampled_from("/.a~-_%&\"'<>;, \r\n\\?#:@é"), max_size=12))
def test_nothing_can_be_smuggled_in(text: str) -> None:
    try:
        root_path = parse_root_path(text)
    except ValueError:
        return
    assert root_path == quote(root_path) == escape(root_path)
    assert urlsplit(f"{root_path}/x") == ("", "", f"{root_path}/x", "", "")
