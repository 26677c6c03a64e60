"""What one worker has listed serves all workers of a replica. Each composes the rules itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final

from app.cache.listing_cache import ListingCache
from app.cache.worker_exchange import Wanted
from app.catalog.snapshot import Snapshot, look_alikes
from app.catalog.snapshot_loader import SnapshotLoader
from app.domain.entry_bytes import from_bytes, to_bytes
from app.domain.errors import PierheadError
from app.domain.paths import ArtifactPath

_NEWLINE: Final = b"\n"


class SharedListings:
    """Borrows listings from the worker that reads a folder for all, and lends those that this one has read.

    Args:
        loader: makes snapshots of what was borrowed.
        ask: gives the listing that another worker has; None where there is none.
    """

    def __init__(self, loader: SnapshotLoader, ask: Callable[[Wanted], Awaitable[bytes | None]]) -> None:
        self._loader = loader
        self._ask = ask

    async def borrow(
        self, path: ArtifactPath, known: Snapshot | None, since: float
    ) -> tuple[Snapshot, float] | None:
        """A folder as another worker has read it, and when that was; None where it must be read here.

        Args:
            known: the folder as it is cached here. The control files that its rules were made from are not read again.
            since: it must have been read after this moment.
        """
        lent = await self._ask(Wanted(path, since, may_read=known is not None))
        if lent is None:
            return None
        head, _, columns = lent.partition(_NEWLINE)
        try:
            said, entries = json.loads(head), from_bytes(columns)
        except ValueError:  # the other worker has died while it answered
            return None
        if look_alikes(entries):
            return None
        try:
            snapshot = await self._loader.adopt(path, entries, said["origin"], known)
        except PierheadError:
            return None
        return None if snapshot is None else (snapshot, said["read_at"])


async def lend(folders: ListingCache[Snapshot], wanted: Wanted) -> bytes | None:
    """A folder for another worker, as `SharedListings.borrow` takes it.

    Links lead out of a folder, and their rules are read with it: such folders are not lent.

    Raises:
        NotFound, StoreError: it cannot be read.
    """
    found = await folders.read_since(wanted.path, wanted.since, may_read=wanted.may_read)
    if found is None or found.value.rules.links or not found.value.is_listed:
        return None
    head = json.dumps({"read_at": found.read_at, "origin": found.value.origin}).encode("ascii")
    return head + _NEWLINE + to_bytes(found.value.entries)
