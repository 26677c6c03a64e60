"""Puts folders that come from snapshots where they belong in a walk."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from app.catalog.subtree.lookahead import Passed, WalkedFolder
from app.domain.entries import Entry, up_to_folders, walk_order
from app.domain.entry_table import EntryTable

_ENTRIES_AT_ONCE: Final = 250


class _Open:
    """The remaining entries of one folder, in the order of a walk."""

    def __init__(self, folder: WalkedFolder, entries: EntryTable, start: bytes) -> None:
        above = folder.path.to_bytes()
        self._next = 0
        if above < start:
            self._next = bisect_right(entries, start, key=lambda entry: above + walk_order(entry))
        self._entries = entries
        self._made: Sequence[Entry] = ()
        self._orders: list[bytes] = []
        self.folder = folder

    def until(self, place: bytes | None) -> Iterator[Passed]:
        """The entries up to a place in the folder; None for all."""
        while self._made or self._make_some():
            count = len(self._made) if place is None else bisect_right(self._orders, place)
            made, self._made, self._orders = self._made, self._made[count:], self._orders[count:]
            for files, sub_folder in up_to_folders(made[:count]):
                if files or sub_folder:
                    yield Passed(self.folder, files, sub_folder)
            if self._made:
                return

    def _make_some(self) -> bool:
        """Make the next of them together, in a small part of the time that they would take one by one. False if none is left."""
        self._made = self._entries[self._next : self._next + _ENTRIES_AT_ONCE]
        self._orders = [*map(walk_order, self._made)]
        self._next += len(self._made)
        return bool(self._made)


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
