"""What a folder has in all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from app.domain.access import VisibleEntry
from app.domain.entries import File, Folder


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
