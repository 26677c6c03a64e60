"""Stores whose files break, change or never end, and that tell when they are let go of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from app.domain.entries import FileInfo
from app.domain.paths import ArtifactPath
from tests.support.memory_store import CHUNK_BYTES, MemoryStore


class WatchedStore(MemoryStore):
    """A `MemoryStore` whose files all pretend to be `size` bytes long, made up as they are read.

    Args:
        size: bytes of every file.
        breaks_at: offset at which reading goes wrong; None for never.
        error: what goes wrong there; None to hang until the reader gives up.

    Attributes:
        released: set when a file that was opened is let go of.
        served: bytes handed out so far.
    """

    def __init__(
        self, size: int, *, breaks_at: int | None = None, error: BaseException | None = None
    ) -> None:
        super().__init__()
        self.released = threading.Event()
        self.served = 0
        self._size = size
        self._breaks_at = size if breaks_at is None else breaks_at
        self._error = error

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        return (await super().head(path, is_listed=is_listed))._replace(size=self._size)

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        async with super().open_range(path, info._replace(size=0), first, 1):
            pass
        try:
            async with aclosing(self._chunks(first, first + length)) as chunks:
                yield chunks
        finally:
            self.released.set()

    async def _chunks(self, first: int, end: int) -> AsyncGenerator[bytes, None]:
        while first < end:
            if first >= self._breaks_at:
                if self._error is not None:
                    raise self._error
                await asyncio.Event().wait()
            chunk = made_up(first, min(end, first + CHUNK_BYTES, max(self._breaks_at, first + 1)))
            first += len(chunk)
            self.served += len(chunk)
            yield chunk


def made_up(first: int, end: int) -> bytes:
    """The bytes of every file from one offset to another."""
    cycle = bytes(range(251))
    return (cycle * ((end - first) // len(cycle) + 2))[first % len(cycle) :][: end - first]
