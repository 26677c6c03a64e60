"""What a folder has in all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from app.domain.access import VisibleEntry, VisibleFiles
from app.domain.entries import File, Folder
from app.domain.file_columns import columns_of
from app.domain.visible_parts import VisibleParts, parts_of


class Totals(NamedTuple):
    """Some entries of a folder, counted.

    Attributes:
        folders: how many.
        files: how many, with those that are locked.
        size: bytes of the files whose size is shown; None if there is no such file.
    """

    folders: int
    files: int
    size: int | None


def totals_of(entries: Iterable[VisibleEntry]) -> Totals:
    """Count entries. What is in their folders does not count."""
    if not isinstance(entries, VisibleParts | VisibleFiles):
        return _counted(entries)
    parts = [
        Totals(0, len(part), sum(columns_of(part.files).sizes()))
        if isinstance(part, VisibleFiles)
        else _counted(part)
        for part in parts_of(entries)
    ]
    sizes = [part.size for part in parts if part.size is not None]
    return Totals(
        sum(part.folders for part in parts), sum(part.files for part in parts), sum(sizes) if sizes else None
    )


def _counted(entries: Iterable[VisibleEntry]) -> Totals:
    folders = files = size = 0
    has_size = False
    for visible in entries:
        entry = visible.entry
        if isinstance(entry, Folder):
            folders += 1
            continue
        files += 1
        if isinstance(entry, File):
            has_size = True
            size += entry.size
    return Totals(folders, files, size if has_size else None)
