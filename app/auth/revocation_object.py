"""Revoked ids that are in an object of a store: read again and again, since a request cannot wait for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from app.auth.revocation import READ_SECONDS, Revocations, parse_revoked
from app.domain.errors import PierheadError
from app.domain.paths import ArtifactPath
from app.storage.store import ObjectStore

CALL_SECONDS: Final = 10.0
"""How long one reading may take."""

_log = structlog.get_logger(__name__)


class ObjectRevocations(Revocations):
    """Knows which ids are revoked, while a task reads them.

    Args:
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(None)
        self._clock = clock

    async def read_from(self, store: ObjectStore, path: ArtifactPath) -> None:
        """Read the ids once. What was read before counts on where that fails.

        Args:
            path: of the object.
        """
        begun = self._clock()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                revoked = parse_revoked(await store.read_small(path, is_listed=True))
        except (PierheadError, ValueError, TimeoutError) as error:
            _log.warning("revocations_unreadable", file=path.name, reason=type(error).__name__)
        else:
            self.take(revoked, begun)

    @asynccontextmanager
    async def kept_fresh(self, store: ObjectStore, path: ArtifactPath) -> AsyncIterator[None]:
        """Read the ids now, and every few seconds until the block ends."""
        await self.read_from(store, path)
        task = asyncio.create_task(self._read_on(store, path))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _refresh(self, now: float) -> None:
        """Nothing: that takes a call to the store, which `kept_fresh` makes."""

    def _is_needed(self) -> bool:
        return True

    async def _read_on(self, store: ObjectStore, path: ArtifactPath) -> None:
        while True:
            await asyncio.sleep(READ_SECONDS)
            await self.read_from(store, path)
