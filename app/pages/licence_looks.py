"""The logos and style sheets of licences that have a look of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.domain.licence_look import Colours, LicenceLook


class LookFiles(NamedTuple):
    """What the page of a licence loads beside the files of all pages; each a name of `load_static`, empty for none."""

    style_sheet: str
    logo: str


def look_contents(looks: Iterable[LicenceLook]) -> Mapping[str, bytes]:
    """Content of all files of the looks, by name."""
    contents: dict[str, bytes] = {}
    for look in looks:
        files = files_of(look)
        if look.colours:
            contents[files.style_sheet] = _style_sheet(look.colours)
        if look.logo:
            contents[files.logo] = look.logo.content
    return contents


def files_of(look: LicenceLook) -> LookFiles:
    """The files of one look."""
    style_sheet = _name("licence.css", _style_sheet(look.colours)) if look.colours else ""
    return LookFiles(style_sheet, _name(look.logo.file, look.logo.content) if look.logo else "")


def _style_sheet(colours: Colours) -> bytes:
    """Only colours: `pierhead.css` says where they go. A file of its own, so that no other page shows whose licences are here."""
    return f":root {{ --accent: {colours.accent}; --accent-ground: {colours.background}; }}\n".encode()


def _name(file: str, content: bytes) -> str:
    """With a slash, as no file of `static/` can have it; files of one name may differ, since the content counts."""
    return f"{hashlib.sha256(content).hexdigest()}/{file}"
