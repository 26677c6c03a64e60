"""The table of all representations of a folder. Routes, fast path, negotiation and OpenAPI read only this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple

from app.domain.access import VisibleEntry
from app.domain.mounts import Mount
from app.pages.contexts import FolderPage
from app.pages.csv_list import CSV_HEAD, csv_line, folder_csv
from app.pages.feed import folder_feed
from app.pages.found import HTML_FOUND, JSON_FOUND, NDJSON_FOUND, TEXT_FOUND, FoundForm
from app.pages.html import HtmlPages
from app.pages.lists import entry_line, entry_name_line, folder_json, folder_ndjson, folder_text
from app.pages.rows import entry_row


class Representation(NamedTuple):
    """One representation of a folder.

    Attributes:
        name: value of the `format` parameter.
        media_type: value of `Content-Type`.
        page: makes a complete page of a folder.
        has_whole_urls: whether it depends on the host of the request.
        takes_parts: whether it can be had of some entries, or in another order.
        has_digests: whether it shows what is said of files by others.
        has_totals: whether it shows how much there is in all.
        line: gives what makes, at a mount, what a page has for one entry, with its line feed; None where a page cannot be sent line by line.
        around: makes the parts of a page before and after these lines.
        found: writes what a search finds; None where it cannot say at its end that more may follow.
    """

    name: str
    media_type: str
    page: Callable[[HtmlPages, FolderPage], bytes]
    has_whole_urls: bool = False
    takes_parts: bool = True
    has_digests: bool = False
    has_totals: bool = False
    line: Callable[[Mount], Callable[[VisibleEntry], bytes]] | None = None
    around: Callable[[HtmlPages, FolderPage], tuple[bytes, bytes]] = lambda _, __: (b"", b"")
    found: FoundForm | None = None

    @property
    def bare_media_type(self) -> str:
        """The media type without its parameters."""
        return self.media_type.partition(";")[0]


_TABLE: Final = (
    Representation(
        "html",
        "text/html; charset=utf-8",
        page=lambda html, page: html.folder(page),
        has_totals=True,
        line=lambda _: entry_row,
        around=lambda html, page: html.around_rows(page),
        found=HTML_FOUND,
    ),
    Representation(
        "json",
        "application/json",
        lambda _, page: folder_json(page),
        has_digests=True,
        has_totals=True,
        found=JSON_FOUND,
    ),
    Representation(
        "ndjson",
        "application/x-ndjson",
        lambda _, page: folder_ndjson(page),
        has_digests=True,
        line=lambda mount: partial(entry_line, mount=mount),
        found=NDJSON_FOUND,
    ),
    Representation(
        "text",
        "text/plain; charset=utf-8",
        page=lambda _, page: folder_text(page),
        line=lambda _: entry_name_line,
        found=TEXT_FOUND,
    ),
    Representation(
        "csv",
        "text/csv; charset=utf-8; header=present",
        page=lambda _, page: folder_csv(page),
        has_digests=True,
        line=lambda mount: partial(csv_line, mount=mount),
        around=lambda _, __: (CSV_HEAD, b""),
    ),
    Representation(
        "atom",
        "application/atom+xml; charset=utf-8",
        page=lambda _, page: folder_feed(page),
        has_whole_urls=True,
        takes_parts=False,
        has_digests=True,
    ),
)

REPRESENTATIONS: Final[Mapping[str, Representation]] = {form.name: form for form in _TABLE}
"""By name; the first is for clients that have no preference (RFC 9110 section 12.5.1)."""

SEARCHED: Final[Mapping[str, FoundForm]] = {
    form.name: form.found for form in _TABLE if form.found is not None
}
"""How those that a search can have write what it finds, by name and in the same order."""
