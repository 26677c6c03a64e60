"""The digests of listed files, a few files at a time: those that are stored with them, and those that others say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple

from app.catalog.locate import is_as_listed
from app.domain.access import VisibleEntry
from app.domain.checksum_files import both
from app.domain.entries import Digest, File, FileInfo
from app.domain.errors import Moved, NotFound
from app.storage.store import ObjectStore

FILES_AT_ONCE: Final = 16
"""Most files of one list that the store is asked about at the same time."""


class Described(NamedTuple):
    """A listed entry and its digests.

    Attributes:
        digests: empty if none are known, or if the file was removed or changed since it was listed; None for
            a folder, and for a file that the asker cannot have.
    """

    visible: VisibleEntry
    digests: tuple[Digest, ...] | None


async def with_digests(
    parts: AsyncGenerator[Sequence[VisibleEntry], None],
    store: ObjectStore,
    listed: Callable[[VisibleEntry], Awaitable[Sequence[Digest]]],
) -> AsyncGenerator[Described, None]:
    """Each entry with its digests, in the same order. Every file that is open to the asker costs one head.

    Args:
        listed: says what other files say of one. It is asked if no SHA-256 is stored, in the order of the entries.

    Raises:
        StoreError: the store does not answer.
    """

    async def info_of(visible: VisibleEntry) -> FileInfo | None:
        is_had = not visible.entry.is_folder and visible.is_open
        return await _info(visible, store) if is_had else None

    async with aclosing(parts):
        async for part in parts:
            for start in range(0, len(part), FILES_AT_ONCE):
                some = part[start : start + FILES_AT_ONCE]
                for visible, info in zip(some, await asyncio.gather(*map(info_of, some)), strict=True):
                    yield await _described(visible, info, listed)


async def _described(
    visible: VisibleEntry,
    info: FileInfo | None,
    listed: Callable[[VisibleEntry], Awaitable[Sequence[Digest]]],
) -> Described:
    if visible.entry.is_folder or not visible.is_open:
        return Described(visible, None)
    if info is None or any(digest.algorithm == "sha-256" for digest in info.digests):
        return Described(visible, info.digests if info else ())
    return Described(visible, both(info.digests, await listed(visible)))


async def _info(visible: VisibleEntry, store: ObjectStore) -> FileInfo | None:
    """What the store says of a listed file; None if that was removed or changed."""
    try:
        info = await store.head(visible.path, is_listed=True)
    except (NotFound, Moved):
        return None
    # Only of the file that was judged: one that replaced it since may be under other rules.
    return info if isinstance(visible.entry, File) and is_as_listed(visible.entry, info) else None
