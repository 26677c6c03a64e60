"""Cursors: a listing cut into pages so that nothing is lost when entries come and go between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from app.domain.access import VisibleEntry
from app.domain.entries import Entry, File, Folder, listing_order
from app.domain.errors import BadParameter, ImpossiblePath, RequestError
from app.domain.paths import ROOT, ArtifactPath


class Page(NamedTuple):
    """Part of a listing.

    Attributes:
        entries: in listing order.
        next_after: cursor that gives the next page, or None on the last.
    """

    entries: tuple[VisibleEntry, ...]
    next_after: str | None


def take_page(
    entries: Sequence[Entry],
    show: Callable[[Entry], VisibleEntry | None],
    *,
    after: str | None,
    limit: int | None,
) -> Page:
    """Cut one page out of a listing. No entries are looked at but those of the page, and the one behind it.

    Args:
        entries: in listing order, those included that the asker does not see.
        show: gives an entry as the asker sees it; None for one that they do not.
        after: the name behind which to begin, with a `/` if it is a folder's; it need not exist any more.
        limit: most entries on the page; None for no limit.

    Raises:
        BadParameter: `after` is no name.
    """
    start = 0 if after is None else position_behind(entries, _named_by(after))
    seen = (show(entries[index]) for index in range(start, len(entries)))
    shown = (visible for visible in seen if visible is not None)
    page = tuple(islice(shown, limit))
    is_cut = limit is not None and next(shown, None) is not None
    return Page(page, cursor_of(page[-1]) if is_cut else None)


def cursor_of(visible: VisibleEntry) -> str:
    """The cursor that continues behind an entry of its own folder."""
    return visible.entry.name + ("/" if visible.entry.is_folder else "")


def path_behind(folder: ArtifactPath, cursor: str) -> ArtifactPath:
    """The path that a cursor such as `a/b/c.txt` names below a folder; nothing need be there.

    Raises:
        BadParameter: it names nothing that could be in a tree.
    """
    try:
        below = ArtifactPath.from_text(cursor)
        if not below.segments:
            raise ImpossiblePath("a cursor names something")
        return ArtifactPath.of(*folder.segments, *below.segments, is_folder=below.is_folder)
    except RequestError as error:
        raise BadParameter("after", "a path below this folder; a folder's path ends in '/'") from error


def position_behind(entries: Sequence[Entry], place: Entry) -> int:
    """Index of the first entry that comes behind a place in listing order."""
    return bisect_right(entries, listing_order(place), key=listing_order)


def _named_by(cursor: str) -> Entry:
    path = path_behind(ROOT, cursor)
    if len(path.segments) != 1:
        raise BadParameter("after", "a name in this folder; a folder's name ends in '/'")
    return Folder(path.name) if path.is_folder else File(path.name, 0, 0.0)
