"""Entries to fill pages with, and a reader of the HTML that comes out."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

from hypothesis import strategies as st

from app.domain.access import Access, Licence, VisibleEntry
from app.domain.entries import Entry, File, Folder
from app.domain.paths import ArtifactPath, is_possible_name
from app.pages.contexts import FolderPage, Site

SITE = Site("Releases")
FOLDER = ArtifactPath.of("releases", "16.09", is_folder=True)
NOON = 1475236800.5  # 2016-09-30 12:00:00 UTC and a half
LICENCE = Licence("Be kind.\n", "linaro")
HOSTILE_NAMES = (
    "x');alert(1);('.txt",
    "<script>alert(1)<",
    '"onmouseover="alert(1)',
    "' onfocus='alert(1)",
    "javascript:alert(1)",
    "\\\\evil.example\\x",
    "?after=x",
    "#top",
    "%2e%2e",
    "%",
    "a&amp;b&lt;",
    "&",
    "~user",
    "a+b c",
    " ",
    "...",
    "ü日本\U0001f600",
    "\udcff\udc80.bin",
    "\u202egnp.exe",
    "{{ 7*7 }}{% raw %}",
    "-->",
    "<table>",
)

names = st.text(st.characters(), min_size=1, max_size=12).map(
    lambda text: text.encode("utf-8", "replace").decode("utf-8", "surrogateescape")
) | st.binary(min_size=1, max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
"""Names of any characters and of any bytes: whatever an `ArtifactPath` can hold."""

entry_names = names.filter(is_possible_name)


class Tag(NamedTuple):
    """An element's start, as the browser would read it."""

    name: str
    attributes: dict[str, str]


class Reader(HTMLParser):
    """Reads a page, and fails on elements that are not closed in order."""

    VOID = frozenset(("meta", "link", "input", "br", "img"))

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page.decode("utf-8"))
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"attribute twice in {tag}"
        self.tags.append(Tag(tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[Tag]:
        """Every element of this name, in order."""
        return [tag for tag in self.tags if tag.name == name]


def visible(
    entry: Entry,
    access: Access = Access.PUBLIC,
    licences: tuple[Licence, ...] = (),
    *,
    locked: bool = False,
    folder: ArtifactPath = FOLDER,
) -> VisibleEntry:
    """An entry of the sample folder."""
    return VisibleEntry(
        folder.child(entry.name, is_folder=entry.is_folder), entry, access, licences, locked=locked
    )


def folder_page(
    *entries: VisibleEntry, path: ArtifactPath = FOLDER, next_after: str | None = None
) -> FolderPage:
    """One page of the sample folder."""
    return FolderPage(SITE, path, entries, next_after)


def files_and_folders(some: list[str]) -> list[VisibleEntry]:
    """Every other name as a folder."""
    return [
        visible(Folder(name) if number % 2 else File(name, number, NOON)) for number, name in enumerate(some)
    ]
