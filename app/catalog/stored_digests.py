"""The digests that are stored with listed files, a few files at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple

from app.catalog.locate import is_as_listed
from app.domain.access import VisibleEntry
from app.domain.entries import Digest, File
from app.domain.errors import Moved, NotFound
from app.storage.store import ObjectStore

FILES_AT_ONCE: Final = 16
"""Most files of one list that the store is asked about at the same time."""


class Described(NamedTuple):
    """A listed entry and what is stored with it.

    Attributes:
        digests: empty if none were stored, or if the file was removed or changed since it was listed; None for
            a folder, and for a file that the asker cannot have.
    """

    visible: VisibleEntry
    digests: tuple[Digest, ...] | None


async def with_digests(
    parts: AsyncGenerator[Sequence[VisibleEntry], None], store: ObjectStore
) -> AsyncGenerator[Described, None]:
    """Each entry with its digests, in the same order. Every file that is open to the asker costs one head.

    Raises:
        StoreError: the store does not answer.
    """

    async def describe(visible: VisibleEntry) -> Described:
        is_had = not visible.entry.is_folder and visible.is_open
        return Described(visible, await _digests(visible, store) if is_had else None)

    async with aclosing(parts):
        async for part in parts:
            for start in range(0, len(part), FILES_AT_ONCE):
                for described in await asyncio.gather(*map(describe, part[start : start + FILES_AT_ONCE])):
                    yield described


async def _digests(visible: VisibleEntry, store: ObjectStore) -> tuple[Digest, ...]:
    try:
        info = await store.head(visible.path, is_listed=True)
    except (NotFound, Moved):
        return ()
    # Only of the file that was judged: one that replaced it since may be under other rules.
    is_the_same = isinstance(visible.entry, File) and is_as_listed(visible.entry, info)
    return info.digests if is_the_same else ()
