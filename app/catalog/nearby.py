"""What is near a path that is not there: the nearest folder above it, and names in that folder that are nearly its own.

It comes from what the principal may list anyway, and from folders in memory only: the search for the path has read them. So
a hidden path and an absent one have the same neighbours, and these cost no call to the store.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain, islice
from typing import Final, NamedTuple

from app.catalog.resolve import is_listable
from app.catalog.views import FolderView
from app.domain.access import Principal, VisibleEntry
from app.domain.entries import Entry, File, Folder
from app.domain.mounts import Mount
from app.domain.order import listing_order
from app.domain.paths import ArtifactPath

MOST_NAMES: Final = 3
_NEARLY: Final = 0.75
"""How alike names must be, as difflib has it: `bot.img` is meant to be `boot.img`."""
_LONGEST: Final = 100
"""Longer names are not compared: it takes too long."""
_BESIDE: Final = 50
"""Names before and after the place of the path in the listing that are compared. Misspelt names mostly begin alike."""


class Nearby(NamedTuple):
    """What is near an absent path.

    Attributes:
        folder: the nearest one above it that the principal may list.
        entries: of that folder, the most alike first.
    """

    folder: ArtifactPath
    entries: tuple[VisibleEntry, ...]


def find_nearby(
    path: ArtifactPath,
    principal: Principal,
    ready_view: Callable[[ArtifactPath, Principal, Mount], FolderView | None],
    mount: Mount,
) -> Nearby | None:
    """What is near a path for which `NotFound` was raised; None if no folder above it is in memory.

    Args:
        ready_view: as `Catalog.ready_view`.
        mount: where the folders are listed.
    """
    for depth in range(len(path.segments) - 1, -1, -1):
        folder = ArtifactPath(path.segments[:depth], True)
        view = ready_view(folder, principal, mount)
        if view is not None and is_listable(view.snapshot, principal):
            is_folder = path.is_folder or depth < len(path.segments) - 1
            return Nearby(folder, _near_entries(view, path.segments[depth], is_folder=is_folder))
    return None


def _near_entries(view: FolderView, name: str, *, is_folder: bool) -> tuple[VisibleEntry, ...]:
    """The entries of a folder that are called nearly like one that is not in it.

    Args:
        is_folder: whether that one is asked for as a folder.
    """
    if len(name) > _LONGEST:
        return ()
    entries = view.snapshot.entries
    candidates: dict[str, VisibleEntry] = {}
    places = [
        bisect_left(entries, listing_order(asked), key=listing_order)
        for asked in (Folder(name), File(name, 0, 0.0))
    ]
    for visible in chain.from_iterable(_around(view, entries, place) for place in places):
        entry = visible.entry
        if len(entry.name) <= _LONGEST and (entry.name, entry.is_folder) != (name, is_folder):
            candidates.setdefault(entry.name.casefold(), visible)
    alike = get_close_matches(name.casefold(), candidates, MOST_NAMES, _NEARLY)
    return tuple(candidates[found] for found in alike)


def _around(view: FolderView, entries: Sequence[Entry], place: int) -> Iterator[VisibleEntry]:
    """So many that the principal sees on either side: those that they do not see make no difference."""
    before, after = range(place - 1, -1, -1), range(place, len(entries))
    for indexes in (before, after):
        yield from islice(_seen(view, entries, indexes), _BESIDE)


def _seen(view: FolderView, entries: Sequence[Entry], indexes: Iterable[int]) -> Iterator[VisibleEntry]:
    return (visible for index in indexes if (visible := view.show(entries[index])) is not None)
