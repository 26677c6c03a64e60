"""A folder's HTML page, taken apart as a person or a mirroring client sees it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

ROW_CELLS = 4


class Row(NamedTuple):
    """One entry of the table.

    Attributes:
        href: the link as it is written; None where the entry is locked.
        name: as it is shown.
        modified: as it is shown, UTC.
        size: as it is shown.
        access: tier and note.
    """

    href: str | None
    name: str
    modified: str
    size: str
    access: str


class ListingPage(NamedTuple):
    """Attributes:
    rows: the entries, without the row of the parent folder.
    parent: link of the parent folder; None where there is none.
    links: every `href` and `src` of the page.
    """

    rows: tuple[Row, ...]
    parent: str | None
    links: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.rows]

    @property
    def hrefs(self) -> list[str]:
        return [row.href for row in self.rows if row.href is not None]


def read_listing(html: str) -> ListingPage:
    """Read a page. Tags count only as the parser of HTML sees them, so that a name cannot fake one."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    rows = [Row(href, *(cell.strip() for cell in cells)) for href, cells in reader.rows]
    parents = [row.href for row in rows if row.href == "../"]
    return ListingPage(
        tuple(row for row in rows if row.href != "../"),
        parents[0] if parents else None,
        tuple(reader.links),
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.rows: list[tuple[str | None, list[str]]] = []
        self._href: str | None = None
        self._cells: list[str] | None = None
        self._is_in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in ("href", "src"):
            if value := values.get(name):
                self.links.append(value)
        self._is_in_button = tag == "button"
        if tag == "tr":
            self._href, self._cells = None, []
        elif self._cells is not None and tag == "td":
            self._cells.append("")
        elif self._cells is not None and tag == "a":
            self._href = values.get("href")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_button = False
        if tag == "tr" and self._cells is not None:
            if len(self._cells) == ROW_CELLS:
                self.rows.append((self._href, self._cells))
            self._cells = None

    def handle_data(self, data: str) -> None:
        if self._cells and not self._is_in_button:
            self._cells[-1] += data
