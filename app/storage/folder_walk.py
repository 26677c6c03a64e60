"""A walk through a tree that must be listed folder by folder."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from app.domain.entries import (
    Entry,
    File,
    Folder,
    Found,
    Link,
    Listing,
    Skipped,
    in_walk_order,
    up_to_folders,
    walk_order,
)
from app.domain.entry_table import EntryTable
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.domain.turns import MANY_ENTRIES, Turns, run_aside
from app.storage.store import ListNames

PAGE_ENTRIES: Final = 1000
_FILES_AT_ONCE: Final = 250

ListFolder = Callable[[ArtifactPath], Awaitable[Listing]]
WalkSteps = Generator[ArtifactPath | Sequence[Found], Listing | None, None]


async def walk_by_folders(
    path: ArtifactPath, after: str, list_folder: ListFolder
) -> AsyncGenerator[Sequence[Found], None]:
    """As `ObjectStore.walk`, by one listing for each folder.

    A folder that is a link, or gone when its turn comes, is only named.

    Args:
        list_folder: as `ObjectStore.list_folder`.

    Raises:
        StoreError: at any time.
    """
    steps = walk_steps(path, after)
    turns = Turns()
    step = next(steps, None)
    while step is not None:
        await turns.give()
        if isinstance(step, ArtifactPath):
            step = sent(steps, await _listed(step, list_folder))
        else:
            yield step
            step = next(steps, None)


def walk_steps(path: ArtifactPath, after: str) -> WalkSteps:
    """The same walk without the waiting: its caller lists the folders.

    The levels are kept in a list, not on the stack, so that no tree is too deep.

    Yields:
        A folder, whose listing has to be sent, entries in the order of a walk, or None if it has none; or a page.
    """
    start = position_of(after)
    levels = [_parts((yield path), start)]
    page: list[Found] = []
    count = 0
    while levels:
        part = next(levels[-1], None)
        if part is None:
            levels.pop()
            continue
        if part.found.size:
            page.append(part.found)
            count += part.found.size
        if part.inner is not None:
            levels.append(_parts((yield part.inner), start))
        if count >= PAGE_ENTRIES:
            yield page
            page, count = [], 0
    if page:
        yield page


def sent(steps: WalkSteps, listing: Listing | None) -> ArtifactPath | Sequence[Found] | None:
    """Send the listing that a walk waits for. Returns its next step; None at the end."""
    try:
        return steps.send(listing)
    except StopIteration:
        return None


class _Part(NamedTuple):
    """The next entries of a folder, and the sub-folder that the walk goes into behind them, if any."""

    found: Found
    inner: ArtifactPath | None = None


def _parts(listing: Listing | None, start: bytes) -> Iterator[_Part]:
    """The entries of a folder that come behind a place in a walk."""
    if listing is None:
        return
    folder, entries = listing.path, listing.entries
    above = folder.to_bytes()
    others: tuple[Skipped | Link, ...] = (*map(Skipped, listing.skipped), *listing.links)
    # Of a folder in whose midst the walk begins, they would come before what it begins with, and say nothing.
    if others and (start == above or not start.startswith(above)):
        yield _Part(Found(folder, others=others))
    first = 0
    if above < start:
        first = bisect_right(entries, start, key=lambda entry: above + walk_order(entry))
        before = entries[first - 1] if first else None
        if isinstance(before, Folder) and start.startswith(above + walk_order(before)):
            yield _Part(Found(folder), folder.child(before.name, is_folder=True))
    for place in range(first, len(entries), _FILES_AT_ONCE):
        for files, sub_folder in up_to_folders(entries[place : place + _FILES_AT_ONCE]):
            inner = None if sub_folder is None else folder.child(sub_folder.name, is_folder=True)
            yield _Part(Found(folder, files, sub_folder), inner)


def by_names(list_names: ListNames) -> ListFolder:
    """List folders from memory. Entries that cannot be served are left out."""

    async def list_folder(path: ArtifactPath) -> Listing:
        return Listing(path, await list_names(path))

    return list_folder


def position_of(text: str) -> bytes:
    """The place of a path in a walk, as a sort key."""
    return text.encode("utf-8", "surrogateescape")


async def _listed(folder: ArtifactPath, list_folder: ListFolder) -> Listing | None:
    try:
        listing = await list_folder(folder)
    except (NotFound, Moved):
        return None
    entries = listing.entries
    return listing._replace(
        entries=await run_aside(lambda: entries_in_walk_order(entries), entries=len(entries))
    )


def entries_in_walk_order(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Entries in the order of a walk. Those of a large folder are packed, so that sorting them holds up no other thread."""
    if len(entries) < MANY_ENTRIES:
        return in_walk_order(entries)
    return EntryTable.of(entries).in_walk_order()


class Single(NamedTuple):
    """One thing that a walk finds, and the folder that it is in."""

    folder: ArtifactPath
    entry: Entry | Skipped | Link


def as_page(singles: Iterable[Single]) -> list[Found]:
    """What was found one by one, as a page of a walk."""
    page: list[Found] = []
    for folder, of_one in groupby(singles, key=attrgetter("folder")):
        files: list[File] = []
        for _, entry in of_one:
            if isinstance(entry, File):
                files.append(entry)
            elif isinstance(entry, Folder):
                page.append(Found(folder, files, entry))
                files = []
            else:
                page.append(Found(folder, others=(entry,)))
        if files:
            page.append(Found(folder, files))
    return page
