"""Everything below a folder, from anywhere in it on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import NamedTuple

from app.catalog.paging import position_at, position_behind
from app.domain.access import VisibleEntry
from app.domain.entries import Entry
from app.domain.errors import AccessDenied, Moved, NotFound
from app.domain.paths import ArtifactPath

ListFolder = Callable[[ArtifactPath], Awaitable[tuple[VisibleEntry, ...]]]


class _Level(NamedTuple):
    """A folder that the walk is in.

    Attributes:
        rest: its entries that are still to come.
        trail: where the walk before was in this folder and below; empty where it was not.
    """

    rest: Iterator[VisibleEntry]
    trail: tuple[Entry, ...]

    def is_on_trail(self, visible: VisibleEntry) -> bool:
        """Whether the walk before had named this folder already, and was in it."""
        if not self.trail or not visible.entry.is_folder:
            return False
        return self.trail[0].is_folder and self.trail[0].name == visible.entry.name


async def walk_below(
    entries: tuple[VisibleEntry, ...], trail: tuple[Entry, ...], list_folder: ListFolder
) -> AsyncIterator[VisibleEntry]:
    """Each folder before what is in it. As deep as the tree is: the levels are kept in a list, not on the stack.

    Args:
        entries: of the folder to begin with.
        trail: resume behind this place (see `cursor_trail`); empty to begin at the top.
        list_folder: gives a folder's entries. One that it refuses, or that is gone or a link, is named only.

    Raises:
        StoreError: at any time.
    """
    levels = [_level(entries, trail)]
    while levels:
        level = levels[-1]
        visible = next(level.rest, None)
        if visible is None:
            levels.pop()
            continue
        is_on_trail = level.is_on_trail(visible)
        if not is_on_trail:
            yield visible
        if visible.entry.is_folder and not visible.locked:
            try:
                below = await list_folder(visible.path)
            except (AccessDenied, NotFound, Moved):
                continue
            levels.append(_level(below, level.trail[1:] if is_on_trail else ()))


def _level(entries: tuple[VisibleEntry, ...], trail: tuple[Entry, ...]) -> _Level:
    if not trail:
        return _Level(iter(entries), trail)
    start = position_at(entries, trail[0]) if trail[0].is_folder else position_behind(entries, trail[0])
    return _Level(iter(entries[start:]), trail)
