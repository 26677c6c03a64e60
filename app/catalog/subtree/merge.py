"""Folders that are taken from elsewhere, put where they belong in a walk."""

from __future__ import annotations

from collections.abc import Iterator

from app.catalog.subtree.lookahead import Passed, WalkedFolder
from app.domain.entries import walk_order


class _Open:
    """The entries of one folder that are still to come, in the order of a walk."""

    def __init__(self, folder: WalkedFolder, start: bytes) -> None:
        entries = folder.sight.snapshot.entries if folder.sight and folder.sight.snapshot else ()
        above = folder.path.to_bytes()
        places = ((walk_order(entry), entry) for entry in entries)
        # Reversed, so that what comes next is taken from the end.
        self._rest = sorted(
            ((place, entry) for place, entry in places if above + place > start), reverse=True
        )
        self.folder = folder

    def until(self, place: bytes | None) -> Iterator[Passed]:
        """Those that come before a place in the folder or are at it; None for all."""
        while self._rest and (place is None or self._rest[-1][0] <= place):
            yield Passed(self.folder, self._rest.pop()[1])


class SnapshotMerge:
    """Puts the entries of folders that come from snapshots in the place of those that the walk has for them.

    Args:
        start: only what comes behind this place is given.
    """

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._open: list[_Open] = []
        self._last: WalkedFolder | None = None

    def of(self, passed: Passed) -> Iterator[Passed]:
        """What comes after what was given before, up to an entry of the walk and with it."""
        folder = passed.folder
        if folder is not self._last:
            yield from self.move_to(folder)
        if self._open and self._open[-1].folder is folder:
            yield from self._open[-1].until(walk_order(passed.entry))
        else:
            yield passed

    def move_to(self, folder: WalkedFolder) -> Iterator[Passed]:
        """What comes before a folder's own entries."""
        self._last = folder
        while self._open and not self._open[-1].folder.holds(folder.path):
            yield from self._open.pop().until(None)
        self._enter(folder)
        for outer in self._open:
            if outer.folder is not folder:
                name = folder.path.segments[len(outer.folder.path.segments)]
                yield from outer.until(f"{name}/".encode("utf-8", "surrogateescape"))

    def rest(self) -> Iterator[Passed]:
        """What comes after everything that the walk has."""
        while self._open:
            yield from self._open.pop().until(None)

    def _enter(self, folder: WalkedFolder) -> None:
        """Open every folder on the way to this one that comes from a snapshot, if it is not open already."""
        on_the_way: list[WalkedFolder] = []
        above: WalkedFolder | None = folder
        while above is not None and not (self._open and above is self._open[-1].folder):
            if above.sight is not None and above.sight.snapshot is not None:
                on_the_way.append(above)
            above = above.parent
        self._open += [_Open(new, self._start) for new in reversed(on_the_way)]
