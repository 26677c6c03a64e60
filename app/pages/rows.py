"""The rows of a folder's table.

Built here and not in a template loop: a folder of 10,000 entries is one page, and this takes half the time.
Everything from a name passes through `escape` or `encode_name` before it is put into a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import Final

from app.domain.access import Access, VisibleEntry, VisibleFiles
from app.domain.entries import File, Folder
from app.domain.file_columns import columns_of
from app.domain.paths import ArtifactPath, display_name, encode_name
from app.domain.visible_parts import parts_of
from app.pages.file_kinds import kind_of
from app.pages.formats import date_text, iso_text, size_text

ACCESS_WORDS = {
    Access.EULA: "EULA",
    Access.PRIVATE: "private",
    Access.CLOSED: "closed",
}

_PUBLIC: Final = Access.PUBLIC
_CLOSED: Final = Access.CLOSED
_NONE = "&ndash;"
"""An entity, since a page that is all ASCII is joined and encoded faster."""
_NO_SIZE = f"<td>{_NONE}</td>"
_ROW_END = "</td></tr>"
_PART_ROWS: Final = 200

_is_plain = re.compile(r"[A-Za-z0-9._~-]+").fullmatch
"""Whether a name is the same in a URL, in HTML and on the screen. Nearly all are, and skip three conversions."""


def folder_rows(entries: Sequence[VisibleEntry], *, may_share: bool = False) -> Iterator[bytes]:
    """Table rows of name, time, size and access for each entry, in the order given, a few hundred at a time.

    In one piece, those of 50,000 entries are 20 MB: while such a text is joined or encoded, no other thread gets a turn.

    Args:
        may_share: whether private files have a button of the form `share`.
    """
    row = _row_with_share if may_share else _row
    between = ""
    for part in parts_of(entries):
        for start in range(0, len(part), _PART_ROWS):
            some = part[start : start + _PART_ROWS]
            rows = _alike_rows(some, row) if isinstance(some, VisibleFiles) else "\n".join(map(row, some))
            yield (between + rows).encode("utf-8", "replace")
            between = "\n"


def _alike_rows(files: VisibleFiles, row: Callable[[VisibleEntry], str]) -> str:
    """The rows of files that differ in name, size and time alone; each by itself if a row may have more than that."""
    columns, tier = columns_of(files.files), files.access
    names = columns.names()
    may_be_shared = tier is Access.PRIVATE and row is _row_with_share
    if tier is _CLOSED or may_be_shared or columns.may_have_classes() or not _is_plain("".join(names)):
        return "\n".join(map(row, files))
    access = "<td>" if tier is _PUBLIC else f"<td>{_access(files[0])} "
    return "\n".join(
        [
            f'<tr><td class="{kind_of(name)}"><a href="{name}">{name}</a></td><td>{_NONE if time is None else _time_of_second(time // 1)}</td>'
            f'{_size_cell(size)}{access}<button class="get" form="get" name="get" value="{name}" aria-label="Get {name}">Get</button>{_ROW_END}'
            for name, size, time in zip(names, columns.sizes(), columns.times(), strict=True)
        ]
    )


def entry_row(visible: VisibleEntry) -> bytes:
    """One such row, with its line feed."""
    return _row(visible).encode("utf-8", "replace") + b"\n"


def found_row(visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """The row of an entry anywhere below a folder, with its path from there, and its line feed."""
    above = visible.path.segments[len(root.segments) : -1]
    href = "".join(f"{encode_name(name)}/" for name in above)
    label = "".join(f"{escape(display_name(name))}/" for name in above)
    return f"{_row(visible, href, label)}\n".encode("utf-8", "replace")


def _row(visible: VisibleEntry, above_href: str = "", above_label: str = "") -> str:
    entry, tier = visible.entry, visible.access
    name, size, modified = entry.name, entry.size, entry.modified
    if _is_plain(name):
        href = label = name
    else:
        # Nothing before the encoded name, so that mirroring clients recognise it as an entry. It cannot be read
        # as a scheme or another host, nor end the attribute.
        href, label = encode_name(name), escape(display_name(name))
    access = "" if tier is _PUBLIC else _access(visible)  # what stands before a download
    kind, slash = "folder", "/"
    if not isinstance(entry, Folder):
        kind, slash = kind_of(name), ""
        if isinstance(entry, File) and entry.storage_class is not None:
            access = f"{access} {_class_tag(entry.storage_class)}".lstrip()
        if tier is not _CLOSED:
            # A button, since in a listing every link is an entry: scrapers take all others for entries too.
            where = f' formaction="{above_href}"' if above_href else ""
            button = f'<button class="get" form="get"{where} name="get" value="{href}" aria-label="Get {label}">Get</button>'
            access = f"{access} {button}" if access else button
    # A locked entry is linked too: there, members are asked to log in.
    return (
        f'<tr><td class="{kind}"><a href="{above_href}{href}{slash}">{above_label}{label}{slash}</a></td><td>{_NONE if modified is None else _time_of_second(modified // 1)}</td>'
        f"{_NO_SIZE if size is None else _size_cell(size)}<td>{access}{_ROW_END}"
    )


def _size_cell(size: int) -> str:
    return f'<td title="{size:,} {"byte" if size == 1 else "bytes"}">{size_text(size)}</td>'


def _row_with_share(visible: VisibleEntry) -> str:
    row = _row(visible)
    if visible.access is not Access.PRIVATE or visible.locked or visible.entry.is_folder:
        return row
    button = (
        f'<button class="share" form="share" name="path" value="{escape(visible.path.url)}">Share</button>'
    )
    return f"{row.removesuffix(_ROW_END)} {button}{_ROW_END}"


@lru_cache(maxsize=1024)  # what was built together has few times
def _time_of_second(timestamp: float) -> str:
    iso = iso_text(timestamp)
    return _NONE if iso is None else f'<time datetime="{iso}">{date_text(iso)}</time>'


def _access(visible: VisibleEntry) -> str:
    if visible.locked:
        return _tag(visible.access, "locked")
    return _tag(
        visible.access, ", ".join([licence.name for licence in visible.licences if not licence.is_unnamed])
    )


@lru_cache(maxsize=64)
def _class_tag(storage_class: str) -> str:
    return f'<span class="tag" title="Storage class">{escape(display_name(storage_class))}</span>'


@lru_cache(maxsize=1024)  # a folder has thousands of rows and few licences
def _tag(access: Access, note: str) -> str:
    tag = f'<span class="tag {access.value}">{ACCESS_WORDS[access]}</span>'
    return f"{tag} {escape(display_name(note))}" if note else tag
