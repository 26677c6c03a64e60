"""A walk through a tree that must be listed folder by folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from app.domain.entries import Entry, Found, Link, Listing, Skipped, walk_order
from app.domain.entry_table import EntryTable
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.domain.turns import MANY_ENTRIES, Turns, run_aside
from app.storage.store import ListNames

PAGE_ENTRIES: Final = 1000
_ENTRIES_PER_TURN: Final = 256

ListFolder = Callable[[ArtifactPath], Awaitable[Listing]]


async def walk_by_folders(
    path: ArtifactPath, after: str, list_folder: ListFolder
) -> AsyncGenerator[Sequence[Found], None]:
    """As `ObjectStore.walk`, by one listing for each folder.

    The levels are kept in a list, not on the stack, so that no tree is too deep. A folder that is a link, or gone
    when its turn comes, is only named.

    Args:
        list_folder: as `ObjectStore.list_folder`.

    Raises:
        StoreError: at any time.
    """
    start = position_of(after)
    levels = [await _level(path, list_folder)]
    page: list[Found] = []
    turns = Turns()
    while levels:
        await turns.give()
        inner = None
        for seen, found in enumerate(levels[-1], start=1):
            is_new, inner = _is_behind(found, start)
            if is_new:
                page.append(found)
            if inner is not None or len(page) >= PAGE_ENTRIES or seen == _ENTRIES_PER_TURN:
                break
        else:
            levels.pop()
        if inner is not None:
            levels.append(await _level(inner, list_folder))
        if len(page) >= PAGE_ENTRIES:
            yield page
            page = []
    if page:
        yield page


def _is_behind(found: Found, start: bytes) -> tuple[bool, ArtifactPath | None]:
    """Whether an entry comes behind a place in a walk, and the folder that it is, if anything in that does."""
    if isinstance(found.entry, Skipped | Link):
        # Of a folder in whose midst the walk begins, they would come before what it begins with, and say nothing.
        above = found.folder.to_bytes()
        return start == above or not start.startswith(above), None
    if not found.entry.is_folder:
        return not start or found.folder.child(found.entry.name).to_bytes() > start, None
    place = found.folder.child(found.entry.name, is_folder=True)
    is_new = place.to_bytes() > start
    return is_new, place if is_new or start.startswith(place.to_bytes()) else None


def by_names(list_names: ListNames) -> ListFolder:
    """List folders from memory. Entries that cannot be served are left out."""

    async def list_folder(path: ArtifactPath) -> Listing:
        return Listing(path, await list_names(path))

    return list_folder


def position_of(text: str) -> bytes:
    """The place of a path in a walk, as a sort key."""
    return text.encode("utf-8", "surrogateescape")


async def _level(folder: ArtifactPath, list_folder: ListFolder) -> Iterator[Found]:
    try:
        listing = await list_folder(folder)
    except (NotFound, Moved):
        return iter(())
    found = listing.entries
    in_order: Iterable[Entry] = (
        sorted(found, key=walk_order)
        if len(found) < MANY_ENTRIES
        else await run_aside(lambda: EntryTable.of(found).in_walk_order(), entries=len(found))
    )
    return (Found(folder, entry) for entry in chain(map(Skipped, listing.skipped), listing.links, in_order))
