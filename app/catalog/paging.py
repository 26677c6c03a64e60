"""Cursors: a listing cut into pages so that nothing is lost when entries come and go between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from app.domain.access import VisibleEntry
from app.domain.entries import Entry, File, Folder, LockedFile
from app.domain.errors import BadParameter, ImpossiblePath, RequestError
from app.domain.made_entries import MADE_AT_ONCE
from app.domain.order import Order, listing_order, position_behind
from app.domain.paths import ROOT, ArtifactPath

_VALUES: Final[Mapping[str, Callable[[Entry | LockedFile], float | None]]] = {
    "modified": lambda entry: entry.modified,
    "size": lambda entry: entry.size,
}
"""By the order, what a cursor must say of an entry beside its name."""
_NO_VALUE: Final = "-"


class Page(NamedTuple):
    """Part of a listing.

    Attributes:
        entries: in listing order.
        next_after: cursor that gives the next page, or None on the last.
        previous_after: cursor that gives as many entries before these; empty where it is the first page, None on
            that page itself.
    """

    entries: Sequence[VisibleEntry]
    next_after: str | None
    previous_after: str | None = None


def take_page(
    entries: Sequence[Entry],
    show: Callable[[Entry], VisibleEntry | None],
    *,
    after: str | None,
    limit: int | None,
    order: Order | None = None,
) -> Page:
    """Cut one page out of a listing. Only the entries of the page and the next one are looked at.

    Args:
        entries: in this order. In the listing order, with those that the client does not see.
        show: gives an entry as the client sees it; None for a hidden one.
        after: begin behind this name, which ends in `/` for a folder. It need not exist any more. In an
            order by time or size, that value stands before it.
        limit: most entries on the page; None for no limit.
        order: the requested one; None for the listing order.

    Raises:
        BadParameter: `after` is no name.
    """
    start = 0 if after is None else _start(entries, show, after, order)
    shown = filter(None, map(show, _from(entries, start, limit)))
    page = tuple(islice(shown, limit))
    is_cut = limit is not None and next(shown, None) is not None
    previous = None
    if start and limit is not None:
        before = (show(entries[index]) for index in range(start - 1, -1, -1))
        passed = islice((visible for visible in before if visible is not None), limit, None)
        last = next(passed, None)
        previous = "" if last is None else cursor_of(last, order)
    return Page(page, cursor_of(page[-1], order) if is_cut else None, previous)


def cursor_of(visible: VisibleEntry, order: Order | None = None) -> str:
    """The cursor that continues behind an entry of its own folder."""
    entry = visible.entry
    name = entry.name + ("/" if entry.is_folder else "")
    if order is None or order.by not in _VALUES:
        return name
    value = _VALUES[order.by](entry)
    return f"{_NO_VALUE if value is None else repr(value)} {name}"


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


def _from(entries: Sequence[Entry], start: int, limit: int | None) -> Iterator[Entry]:
    """The entries from a place on. Some are made at a time, which takes less than one by one, but no more than a page has."""
    step = MADE_AT_ONCE if limit is None else min(limit + 1, MADE_AT_ONCE)
    return chain.from_iterable(entries[first : first + step] for first in range(start, len(entries), step))


def _start(
    entries: Sequence[Entry], show: Callable[[Entry], VisibleEntry | None], after: str, order: Order | None
) -> int:
    """Index of the first entry behind a cursor."""
    if order is None:
        return bisect_right(entries, listing_order(_named_by(after)), key=listing_order)

    def shown(entry: Entry) -> Entry | LockedFile:
        visible = show(entry)
        return entry if visible is None else visible.entry

    return position_behind(entries, _placed_by(after, order), order, shown)


def _placed_by(cursor: str, order: Order) -> Entry | LockedFile:
    """An entry that stands in an order where the one did that a cursor was made from."""
    if order.by not in _VALUES:
        return _named_by(cursor)
    text, _, name = cursor.partition(" ")
    try:
        value = None if text == _NO_VALUE else float(text)
        size = None if value is None else int(value)
    except (ValueError, OverflowError) as error:
        raise BadParameter("after", "taken from the link to the next page, in this order") from error
    named = _named_by(name)
    if isinstance(named, Folder):
        return Folder(named.name, value, size)
    return LockedFile(named.name) if value is None or size is None else File(named.name, size, value)


def _named_by(cursor: str) -> Entry:
    path = path_behind(ROOT, cursor)
    if len(path.segments) != 1:
        raise BadParameter("after", "a name in this folder; a folder's name ends in '/'")
    return Folder(path.name) if path.is_folder else File(path.name, 0, 0.0)
