"""Listings for spreadsheets (RFC 4180)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.domain.access import VisibleEntry
from app.domain.entries import Digest
from app.domain.mounts import Mount
from app.domain.paths import display_name
from app.pages.contexts import FolderPage
from app.pages.formats import iso_text

CSV_HEAD: Final = b"name,type,size,modified,url,access,licences,locked,sha256\r\n"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_QUOTED: Final = frozenset('",\r\n')


def folder_csv(page: FolderPage) -> bytes:
    """One page of a folder as one line for each entry, behind a line with the names of the columns."""
    return CSV_HEAD + b"".join(
        [csv_line(visible, page.mount, page.digests_of(visible)) for visible in page.entries]
    )


def csv_line(visible: VisibleEntry, mount: Mount, digests: Sequence[Digest] = ()) -> bytes:
    """One such line, with its line break.

    The members are those of JSON. Names of licences are separated by semicolons. A cell that a spreadsheet would take for a
    formula begins with an apostrophe; `url` never does, and is exact.

    Args:
        mount: where the site is mounted for this request.
        digests: of the file, as far as they are known.
    """
    entry = visible.entry
    sha256 = next((digest.value.hex() for digest in digests if digest.algorithm == "sha-256"), "")
    cells = (
        display_name(entry.name),
        "folder" if entry.is_folder else "file",
        "" if entry.size is None else str(entry.size),
        iso_text(entry.modified) or "",
        mount.url(visible.path),
        visible.access.value,
        "; ".join(display_name(licence.name) for licence in visible.licences),
        "true" if visible.locked else "false",
        sha256,
    )
    return (",".join(map(_cell, cells)) + "\r\n").encode("utf-8", "replace")


def _cell(text: str) -> str:
    if text.startswith(_FORMULA):
        text = f"'{text}"
    return text if _QUOTED.isdisjoint(text) else '"' + text.replace('"', '""') + '"'
