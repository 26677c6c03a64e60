"""How much is below the folders of a folder, where that is known without asking the store."""

from __future__ import annotations

from itertools import takewhile
from typing import Final, NamedTuple

from app.cache.listing_cache import ListingCache
from app.catalog.folder_totals import FolderTotals
from app.catalog.snapshot import Snapshot
from app.catalog.views import FolderView, view_of
from app.domain.access import Allow, VisibleEntry
from app.domain.turns import InParts, Turns
from app.policy.decide import decide


class Bounds(NamedTuple):
    """Most folders that are looked into, and most entries that all of these may have."""

    folders: int
    entries: int


BOUNDS: Final = Bounds(1_000, 20_000)
"""For one answer: to judge them takes some tens of milliseconds."""


class FolderSizes:
    """Adds up what is in memory. A size is only known where each folder below is in memory and fresh.

    Nothing that the principal cannot list is a part of it: not what is hidden, locked, or closed to them. Links are not
    followed, so that nothing counts twice.

    Args:
        folders: what is in memory.
        totals: counts a folder.
        bounds: of what is looked at for one answer.
    """

    def __init__(
        self, folders: ListingCache[Snapshot], totals: FolderTotals, bounds: Bounds = BOUNDS
    ) -> None:
        self._folders = folders
        self._totals = totals
        self._bounds = bounds

    async def added_to(self, view: FolderView) -> FolderView:
        """The same view with sizes of its folders, and as old as the oldest folder that they are made from."""
        return await _Sums(self._folders, self._totals, view, self._bounds).view()


class _Sums:
    """The sizes of the folders of one view.

    Args:
        folders, totals, bounds: as above.
        view: where they are shown.
    """

    def __init__(
        self, folders: ListingCache[Snapshot], totals: FolderTotals, view: FolderView, bounds: Bounds
    ) -> None:
        self._folders = folders
        self._totals = totals
        self._view = view
        self._turns = Turns()
        self._folders_left, self._entries_left = bounds

    async def view(self) -> FolderView:
        sizes, age = {}, self._view.age
        for visible in await self._open_folders(self._view):
            if (found := await self._below(visible)) is not None:
                sizes[visible.entry.name], oldest = found
                age = max(age, oldest)
        return self._view._replace(sizes=sizes, age=age)

    async def _below(self, folder: VisibleEntry) -> tuple[int, float] | None:
        """What the principal may list below a folder, in bytes, and how old the oldest part of it is.

        None if that is not known, or if they may list nothing of it.
        """
        if (top := self._known(folder)) is None or not _may_be_listed(top):
            return None
        size, age, views = 0, 0.0, [top]
        while views:
            view = views.pop()
            size += (await self._totals.of(view)).size or 0
            age = max(age, view.age)
            for visible in await self._open_folders(view):
                if (below := self._known(visible)) is None:
                    return None
                age = max(age, below.age)
                if _may_be_listed(below):
                    views.append(below)
        return size, age

    def _known(self, folder: VisibleEntry) -> FolderView | None:
        """A folder that is in memory and fresh, as long as something is left of what may be looked at."""
        cached = self._folders.fresh(folder.path)
        if cached is None or not cached.value.is_listed:
            return None
        entries = len(cached.value.entries)
        if not self._folders_left or entries > self._entries_left:
            return None
        self._folders_left -= 1
        self._entries_left -= entries
        return view_of(cached, self._view.principal, self._view.mount)

    async def _open_folders(self, view: FolderView) -> list[VisibleEntry]:
        """Those that the principal sees, and not by name only. In a listing, folders come before files."""
        folders = takewhile(lambda entry: entry.is_folder, view.snapshot.entries)
        judged = InParts(map(view.show, folders), self._turns)
        return [
            visible async for some in judged for visible in some if visible is not None and not visible.locked
        ]


def _may_be_listed(view: FolderView) -> bool:
    snapshot = view.snapshot
    if snapshot.link is not None:
        return False
    return isinstance(decide(snapshot.path, snapshot.rules, view.principal), Allow)
