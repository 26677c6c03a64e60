"""Sorts folders in a requested order, once for each tier."""

from __future__ import annotations

from array import array
from operator import itemgetter
from typing import NamedTuple

from app.cache.byte_cache import ByteCache
from app.catalog.views import FolderView
from app.domain.entries import Entry
from app.domain.entry_table import EntryTable
from app.domain.made_entries import MadeEntries
from app.domain.mounts import Mount
from app.domain.order import Order, sort_entries
from app.domain.paths import ArtifactPath
from app.policy.tier import Tier


class SortedEntries(MadeEntries):
    """Some entries of a table in another order. It holds four bytes for each.

    Args:
        places: of the entries in the table.
    """

    def __init__(self, table: EntryTable, places: array[int]) -> None:
        self._table = table
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def _entry(self, index: int) -> Entry:
        return self._table[self._places[index]]


class _Key(NamedTuple):
    path: ArtifactPath
    tier: Tier
    order: Order
    mount: Mount


class _Kept(NamedTuple):
    places: array[int]
    version: int


class FolderSorter:
    """Sorts folders, and keeps what it found for as long as the folder stays as it is.

    Args:
        held: where that is kept, together with folders and pages.
    """

    def __init__(self, held: ByteCache) -> None:
        self._held = held

    def entries(self, view: FolderView, order: Order) -> SortedEntries:
        """What the principal sees of a folder, in this order. With sizes of folders it is not kept: they change by themselves.

        It is the shown values that are sorted: the order of locked entries tells nothing of what they hide.
        """
        if view.sizes:
            return SortedEntries(view.snapshot.entries, _places(view, order))
        key = _Key(view.snapshot.path, view.tier, order, view.mount._replace(origin=""))
        kept: _Kept | None = self._held.get(key)
        if kept is None or kept.version != view.snapshot.version:
            kept = _Kept(_places(view, order), view.snapshot.version)
            self._held.put(key, kept, len(kept.places) * kept.places.itemsize)
        return SortedEntries(view.snapshot.entries, kept.places)


def _places(view: FolderView, order: Order) -> array[int]:
    shown = ((index, visible.entry) for index, visible in enumerate(view.each()) if visible is not None)
    return array("I", (index for index, _ in sort_entries(shown, order, itemgetter(1))))
