"""A walk through a tree that must be listed folder by folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import Final

from app.domain.entries import Found, Link, Listing, Skipped
from app.domain.entry_table import EntryTable
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.domain.turns import Turns, run_aside
from app.storage.store import ListNames

PAGE_ENTRIES: Final = 1000

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
        found = next(levels[-1], None)
        if found is None:
            levels.pop()
            continue
        if isinstance(found.entry, Skipped | Link):
            page.append(found)
            continue
        place = found.folder.child(found.entry.name, is_folder=found.entry.is_folder)
        is_new = place.to_bytes() > start
        if is_new:
            page.append(found)
        if found.entry.is_folder and (is_new or start.startswith(place.to_bytes())):
            levels.append(await _level(place, list_folder))
        if len(page) >= PAGE_ENTRIES:
            yield page
            page = []
    if page:
        yield page


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
    in_order = await run_aside(lambda: EntryTable.of(found).in_walk_order(), entries=len(found))
    return (Found(folder, entry) for entry in chain(map(Skipped, listing.skipped), listing.links, in_order))
