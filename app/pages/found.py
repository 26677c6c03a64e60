"""What a search found, as several representations write it: what comes before, one entry, and what comes after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from app.domain.access import VisibleEntry
from app.domain.paths import display_name, encode_name
from app.pages.html import HtmlPages
from app.pages.json_bytes import json_bytes
from app.pages.lists import entry_line, entry_object
from app.pages.rows import found_row
from app.pages.search_page import SearchPage


class FoundForm(NamedTuple):
    """How one representation is written.

    Attributes:
        before: what comes before the entries.
        entry: one entry.
        after: what comes after them. Here, the page says how the search ended.
        between: what divides two entries.
        idle: means nothing, and is sent while nothing is found: a client that has left is only noticed when something is.
    """

    before: Callable[[HtmlPages, SearchPage], bytes]
    entry: Callable[[VisibleEntry, SearchPage], bytes]
    after: Callable[[HtmlPages, SearchPage], bytes]
    between: bytes = b""
    idle: bytes = b""


def _json_before(_: HtmlPages, page: SearchPage) -> bytes:
    described = {
        "path": "/" + display_name(page.path.text),
        "url": page.url,
        "q": display_name(page.name_like),
    }
    return json_bytes(described)[:-1] + b',"entries":['


def _json_after(_: HtmlPages, page: SearchPage) -> bytes:
    return b"]," + json_bytes(_end(page))[1:]


def _ndjson_after(_: HtmlPages, page: SearchPage) -> bytes:
    said = {name: value for name, value in _end(page).items() if value}
    return json_bytes(said) + b"\n" if said else b""


def _end(page: SearchPage) -> dict[str, object]:
    return {
        "left_out": page.left_out,
        "truncated": page.next_query is not None,
        "next": page.next_query,
    }


def _path_line(visible: VisibleEntry, page: SearchPage) -> bytes:
    below = visible.path.segments[len(page.path.segments) :]
    end = "/\n" if visible.entry.is_folder else "\n"
    return ("/".join(map(encode_name, below)) + end).encode("ascii")


def _text_after(_: HtmlPages, page: SearchPage) -> bytes:
    """In lines that no name can look like: in those, `#` is encoded."""
    lines = []
    if page.left_out:
        lines.append(f"# folders left out: {page.left_out}\n")
    if page.next_query is not None:
        lines.append(f"# more may follow: {page.next_query}\n")
    return "".join(lines).encode("ascii")


def _nothing(_: HtmlPages, __: SearchPage) -> bytes:
    return b""


HTML_FOUND: Final = FoundForm(
    lambda html, page: html.around_found(page)[0],
    lambda visible, page: found_row(visible, page.path),
    lambda html, page: html.around_found(page)[1],
    idle=b"\n",
)
JSON_FOUND: Final = FoundForm(
    _json_before,
    lambda visible, page: json_bytes(entry_object(visible, page.mount)),
    _json_after,
    between=b",",
    idle=b"\n",
)
NDJSON_FOUND: Final = FoundForm(
    _nothing, lambda visible, page: entry_line(visible, page.mount), _ndjson_after
)
TEXT_FOUND: Final = FoundForm(_nothing, _path_line, _text_after)
