"""Which files of a folder its page shows: a header above the list, and documents such as a README below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

Markup = Literal["markdown", "rst", "textile", "html", "text", "manifest"]

_MARKUPS: Final[dict[str, Markup]] = {
    ".textile": "textile",
    ".md": "markdown",
    ".markdown": "markdown",
    ".rst": "rst",
    ".html": "html",
    ".txt": "text",
    "": "text",
}
"""How a file is marked up, by the end of its name. Of several files with one title the first of this order is shown."""
HEADER: Final = "header"
_MANIFEST: Final = "source-manifest-ann.xml"
_TITLES: Final[dict[str, tuple[str, ...]]] = {
    "Release Notes": ("readme", "howto_releasenotes"),
    "Binary Image Installation": ("install", "howto_install"),
    "Building From Source": ("hacking", "howto_getsourceandbuild"),
    "Getting Started": ("gettingstarted", "howto_gettingstarted"),
    "Firmware": ("firmware", "howto_flashfirmware"),
    "Fast Models": ("fastmodels",),
    "EULA": ("howto_eula",),
    "RTSM": ("rtsm", "howto_rtsm"),
    "OpenJDK": ("openjdk",),
    "Test Plan": ("testplan",),
    "Test Project": ("testreport",),
}
"""Titles in the order in which they are shown, and the names without their ends that have them."""
_PLACES: Final = {name: place for place, names in enumerate(_TITLES.values()) for name in names}
_TITLE_OF: Final = {name: title for title, names in _TITLES.items() for name in names}

STEMS: Final = frozenset({HEADER, "source-manifest-ann", *_PLACES})
"""Beginnings of the names of all documents, in lower case."""


class DocumentName(NamedTuple):
    """A file that is shown on its folder's page.

    Attributes:
        name: of the file.
        title: heads it; empty for the header of a folder.
        markup: how it is marked up.
    """

    name: str
    title: str
    markup: Markup


def documents_among(names: Iterable[str]) -> list[DocumentName]:
    """The documents of a folder, its header first, in the order in which to show them.

    Args:
        names: of the folder's files.
    """
    found: dict[str, tuple[tuple[int, int, str], DocumentName]] = {}
    for name in names:
        if (document := _document(name)) is None:
            continue
        rank = (
            _place(name),
            list(_MARKUPS.values()).index(document.markup) if name != _MANIFEST else 0,
            name,
        )
        if document.title not in found or rank < found[document.title][0]:
            found[document.title] = (rank, document)
    return [document for _, document in sorted(found.values())]


def _document(name: str) -> DocumentName | None:
    if name == _MANIFEST:
        return DocumentName(name, "Git Descriptions", "manifest")
    stem, end = _parts(name)
    markup = _MARKUPS.get(end)
    if markup is None or (markup == "html" and stem != HEADER):
        return None  # another HTML file is a page of its own
    if stem == HEADER:
        return DocumentName(name, "", markup) if end else None
    if stem not in _PLACES or (stem.startswith("howto_") and end != ".txt"):
        return None
    is_of_older_server = markup == "textile" or stem.startswith("howto_")
    title = _TITLE_OF[stem] if is_of_older_server else name
    # Files of this kind were always marked up as Textile.
    return DocumentName(name, title, "textile" if stem.startswith("howto_") else markup)


def _parts(name: str) -> tuple[str, str]:
    stem, dot, end = name.partition(".")
    return stem.lower(), dot + end.lower()


def _place(name: str) -> int:
    if name == _MANIFEST:
        return len(_TITLES)
    stem = _parts(name)[0]
    return -1 if stem == HEADER else _PLACES[stem]
