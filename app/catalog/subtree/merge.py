"""Puts folders that come from snapshots where they belong in a walk."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from app.catalog.subtree.lookahead import Passed, WalkedFolder
from app.domain.entries import File, walk_order
from app.domain.entry_table import EntryTable

_FILES_AT_ONCE: Final = 250


class _Open:
    """The remaining entries of one folder, in the order of a walk."""

    def __init__(self, folder: WalkedFolder, entries: EntryTable, start: bytes) -> None:
        above = folder.path.to_bytes()
        self._next = bisect_right(entries, start, key=lambda entry: above + walk_order(entry))
        self._entries = entries
        self.folder = folder

    def until(self, place: bytes | None) -> Iterator[Passed]:
        """The entries up to a place in the folder; None for all."""
        files: list[File] = []
        while self._next < len(self._entries):
            entry = self._entries[self._next]
            if place is not None and walk_order(entry) > place:
                break
            self._next += 1
            if isinstance(entry, File):
                files.append(entry)
            else:
                yield Passed(self.folder, files, entry)
                files = []
            if len(files) == _FILES_AT_ONCE:
                yield Passed(self.folder, files)
                files = []
        if files:
            yield Passed(self.folder, files)


class SnapshotMerge:
    """Replaces the entries that a walk has for some folders by those of their snapshots.

    Args:
        start: only entries behind this place are given.
    """

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._open: list[_Open] = []
        self._last: WalkedFolder | None = None

    def of(self, passed: Passed) -> Iterator[Passed]:
        """The next entries, up to some of the walk and with them."""
        folder = passed.folder
        if folder is not self._last:
            yield from self.move_to(folder)
        if self._open and self._open[-1].folder is folder:
            last = passed.sub_folder or passed.files[-1]
            yield from self._open[-1].until(walk_order(last))
        else:
            yield passed

    def move_to(self, folder: WalkedFolder) -> Iterator[Passed]:
        """The entries before a folder's own."""
        self._last = folder
        while self._open and not self._open[-1].folder.holds(folder.path):
            yield from self._open.pop().until(None)
        self._enter(folder)
        for outer in self._open:
            if outer.folder is not folder:
                name = folder.path.segments[len(outer.folder.path.segments)]
                yield from outer.until(f"{name}/".encode("utf-8", "surrogateescape"))

    def rest(self) -> Iterator[Passed]:
        """The entries after all entries of the walk."""
        while self._open:
            yield from self._open.pop().until(None)

    def _enter(self, folder: WalkedFolder) -> None:
        """Open every folder on the way to this one that comes from a snapshot, if it is not open already."""
        on_the_way: list[_Open] = []
        above: WalkedFolder | None = folder
        while above is not None and not (self._open and above is self._open[-1].folder):
            if above.sight is not None and above.sight.entries is not None:
                on_the_way.append(_Open(above, above.sight.entries, self._start))
            above = above.parent
        self._open += reversed(on_the_way)
