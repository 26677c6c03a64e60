"""Copies of one tree in memory, one of which can be slow, broken or behind the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from app.domain.entries import FileInfo, Listing
from app.domain.errors import StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.composite.failover import FailoverStore
from app.storage.composite.hedging import LEAST_CALLS
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.observation import Event, Unwatched
from app.storage.store import FolderWatch
from tests.support.clocks import Clock
from tests.support.memory_store import MemoryStore


class Copy(MemoryStore):
    """A `MemoryStore` that can be made to hang, and to break off a file.

    Attributes:
        is_hanging: whether listings, heads and checks wait until they are cancelled.
        cancelled: how many of these were.
        breaks_at: offset at which reading a file fails; None for never.
    """

    def __init__(self) -> None:
        super().__init__(presign_base="https://s3.example")
        self.is_hanging = False
        self.cancelled = 0
        self.breaks_at: int | None = None

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        await self._hang()
        return await super().list_folder(path)

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        await self._hang()
        return await super().head(path, is_listed=is_listed)

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        await self._hang()
        return await super().check()

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        async with (
            super().open_range(path, info, first, length) as chunks,
            aclosing(self._broken(chunks, first)) as broken,
        ):
            yield broken

    async def _broken(self, chunks: AsyncIterator[bytes], first: int) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            if self.breaks_at is not None and first + len(chunk) > self.breaks_at:
                if self.breaks_at > first:
                    yield chunk[: self.breaks_at - first]
                raise StoreUnavailable("broken-stream")
            first += len(chunk)
            yield chunk

    async def _hang(self) -> None:
        if self.is_hanging:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise


class Watch(Unwatched):
    """Counts what one store did for another."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()

    def note(self, event: Event, store: str) -> None:
        """See `StorageWatch.note`."""
        self.events[event, store] += 1


class Copies:
    """A `FailoverStore` over copies.

    Attributes:
        primary, replica: the first and the second of them.
        all: all of them.
        store: what is over them.
    """

    def __init__(self, count: int = 2) -> None:
        self.all = [Copy() for _ in range(count)]
        self.primary, self.replica = self.all[:2]
        self.watch = Watch()
        self.clock = Clock()
        names = ["primary", *(f"replica-{number}" for number in range(1, count))]
        named = [OriginTagging(name, copy) for name, copy in zip(names, self.all, strict=True)]
        self.store = FailoverStore(named, watch=self.watch, clock=self.clock)

    def put(self, path: str, content: bytes = b"", *, modified: float = 1e9) -> None:
        """Store a file in every copy."""
        for copy in self.all:
            copy.put(path, content, modified=modified)

    def fail(self, error: Exception | None, *, of: Copy | None = None) -> None:
        """Let every call of a copy (the primary) fail; None ends that."""
        for operation in ("list", "head", "get", "check"):
            (of or self.primary).fail_on(operation, error)

    async def learn(self, path: ArtifactPath) -> None:
        """Look at a folder and a file in it often enough for the store to know how long that takes."""
        for _ in range(LEAST_CALLS):
            await self.store.list_folder(path.parent)
            await self.store.head(path)
