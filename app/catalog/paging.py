"""Cursors: a listing cut into pages so that nothing is lost when entries come and go between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from app.domain.access import VisibleEntry
from app.domain.entries import Entry, File, Folder, listing_order
from app.domain.errors import BadParameter, RequestError
from app.domain.paths import ArtifactPath


class Page(NamedTuple):
    """Part of a listing.

    Attributes:
        entries: in listing order.
        next_after: cursor that gives the next page, or None on the last.
        total: how many entries the whole listing has.
    """

    entries: tuple[VisibleEntry, ...]
    next_after: str | None
    total: int


def take_page(entries: tuple[VisibleEntry, ...], *, after: str | None, limit: int | None) -> Page:
    """Cut one page out of a listing that is in listing order.

    Args:
        after: the name behind which to begin, with a `/` if it is a folder's; it need not exist any more.
        limit: most entries on the page; None for no limit.

    Raises:
        BadParameter: `after` is no name.
    """
    start = 0
    if after is not None:
        trail = cursor_trail(after)
        if len(trail) != 1:
            raise BadParameter("after", "a name of this folder, with a '/' behind a folder's")
        start = position_behind(entries, trail[0])
    end = len(entries) if limit is None else min(len(entries), start + limit)
    next_after = cursor_of(entries[end - 1]) if start < end < len(entries) else None
    return Page(entries[start:end], next_after, len(entries))


def cursor_of(visible: VisibleEntry) -> str:
    """The cursor that continues behind an entry of its own folder."""
    return visible.entry.name + ("/" if visible.entry.is_folder else "")


def cursor_trail(cursor: str) -> tuple[Entry, ...]:
    """The folders, and at last the file or folder, that a cursor such as `a/b/c.txt` names.

    Raises:
        BadParameter: it names nothing that could be in a tree.
    """
    try:
        path = ArtifactPath.from_text(cursor)
    except RequestError as error:
        raise BadParameter("after", "a path below this folder, with a '/' behind a folder's") from error
    *folders, last = path.segments or ("",)
    if not last:
        raise BadParameter("after", "a path below this folder, with a '/' behind a folder's")
    return (*map(Folder, folders), Folder(last) if path.is_folder else File(last, 0, 0.0))


def position_behind(entries: Sequence[VisibleEntry], place: Entry) -> int:
    """Index of the first entry that comes behind a place in listing order."""
    return bisect_right(entries, listing_order(place), key=lambda visible: listing_order(visible.entry))


def position_at(entries: Sequence[VisibleEntry], place: Entry) -> int:
    """Index of the first entry that comes at or behind a place in listing order."""
    return bisect_left(entries, listing_order(place), key=lambda visible: listing_order(visible.entry))
