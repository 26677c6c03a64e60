"""A span of an open file: read in chunks, or written to a socket."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from app.domain.entries import FileInfo
from app.storage.local.file import LocalFile

CHUNK_BYTES: Final = 256 * 1024
WRITTEN_BYTES: Final = 4 * 1024 * 1024
"""Most that is written to a socket in one call; seldom does one take so much."""
TURN_SECONDS: Final = 0.05
"""How long a thread serves a client that takes whatever comes, before others have their turn."""
FAST_BYTES: Final = 1024 * 1024
"""A client is fast if it takes so much in one turn."""
DRAIN_MILLISECONDS: Final = 2
"""How long a thread waits for a fast client. It does not wait for a slow one."""
COPIED_BYTES: Final = 8 * 1024 * 1024
"""The end of a span is read and then written.

The socket only borrows the pages of a file that is sent directly: if the file is rewritten in place, the
client gets the new bytes. A socket holds less than this (tcp(7): `tcp_wmem`), so that the client has all that was
borrowed before the file is looked at for the last time, and the change is noticed while the download can still be cut.
"""

_Result = TypeVar("_Result")


class LocalSpan:
    """An iterator and a `SocketSource`. Every call of the file system is made in a thread.

    Args:
        file: open for as long as the span is used.
        info: what the file is to be.
        first, length: the span.
        chunk: its first bytes, which were read when the file was opened.
        threads: where to read chunks.
        senders: where to write to sockets, which takes a while.
    """

    def __init__(
        self,
        file: LocalFile,
        info: FileInfo,
        first: int,
        length: int,
        *,
        chunk: bytes,
        threads: ThreadPoolExecutor,
        senders: ThreadPoolExecutor,
    ) -> None:
        self._left = length
        self._file = file
        self._info = info
        self._end = first + length
        self._chunk = chunk
        self._threads = threads
        self._senders = senders

    def __aiter__(self) -> LocalSpan:
        return self

    @property
    def straight(self) -> int:
        """See `SocketSource`. Nothing where all of it was read when the file was opened."""
        return self._left if self._left > len(self._chunk) else 0

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        chunk, self._chunk = self._chunk, b""
        if not chunk:
            length = min(CHUNK_BYTES, self._left)
            chunk = await self._in_thread(partial(self._file.read, self._info, self._at, length))
        self._left -= len(chunk)
        return chunk

    async def write_some(self, connection: int) -> int:
        """See `SocketSource.write_some`."""
        self._chunk = b""
        own = os.dup(connection)  # or the thread could write to another client that gets the number
        try:
            writing = self._senders.submit(self._write, own)
        except RuntimeError:
            os.close(own)
            raise
        writing.add_done_callback(lambda _: os.close(own))
        return await asyncio.wrap_future(writing)

    def _write(self, connection: int) -> int:
        """Write until the socket takes nothing more or the turn is over. Returns the number of bytes."""
        before, end = self._left, time.monotonic() + TURN_SECONDS
        self._file.check(self._info)
        while self._left:
            is_full = not self._write_step(connection)
            is_fast = before - self._left >= FAST_BYTES
            if time.monotonic() >= end or (is_full and not (is_fast and _drains_at_once(connection))):
                break
        return before - self._left

    def _write_step(self, connection: int) -> bool:
        """Write by one call. Returns whether the socket took all of it."""
        borrowed = min(WRITTEN_BYTES, self._left - COPIED_BYTES)
        if borrowed > 0:
            length, write = borrowed, self._file.write
        else:
            length, write = min(CHUNK_BYTES, self._left), self._file.copy
        written = write(connection, self._info, self._at, length)
        self._left -= written
        return written == length

    @property
    def _at(self) -> int:
        return self._end - self._left

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _drains_at_once(connection: int) -> bool:
    """Whether a full socket takes bytes again in a moment: with a fast client, waiting here saves two switches of threads."""
    watched = select.poll()
    watched.register(connection, select.POLLOUT)
    return bool(watched.poll(DRAIN_MILLISECONDS))
