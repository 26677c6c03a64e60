"""Has one worker of a replica read a folder for all of them: the others ask it for what it has read.

Every folder has a home: of the workers that are there, the one whose name and the folder's path hash highest (rendezvous
hashing). Workers may differ for a moment about who is there. They never wait for each other in a circle, for each
asks only one that hashes higher than itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from app.domain.errors import PierheadError
from app.domain.paths import ArtifactPath

ATTENTION_SECONDS: Final = 0.5
"""A worker that does not react within this time is busy, or hangs: who asks reads the folder itself."""
READ_SECONDS: Final = 30.0
"""The same for the whole answer: a read of the storage may be part of it."""
MAX_REQUEST_BYTES: Final = 32 * 1024

_ATTENTION: Final = b"."
_SUFFIX: Final = ".home"

_log = structlog.get_logger(__name__)


class Wanted(NamedTuple):
    """What one worker asks another for.

    Attributes:
        path: a folder.
        since: it must have been read after this moment of the clock that all processes of a host share (CLOCK_MONOTONIC).
        may_read: whether to read it, if it was not.
    """

    path: ArtifactPath
    since: float
    may_read: bool


class WorkerExchange:
    """One worker's end: a Unix socket in a directory that all of them know.

    Args:
        directory: where the sockets are; nobody else may write there.
        tree: what is read. Workers that read another tree are not asked.
    """

    def __init__(self, directory: Path, tree: str) -> None:
        self._directory = directory
        self._tree = hashlib.blake2b(tree.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        self._own = directory / f"{self._tree}-{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"

    @asynccontextmanager
    async def answering(self, lend: Callable[[Wanted], Awaitable[bytes | None]]) -> AsyncIterator[None]:
        """Answer the others, until the block ends.

        Args:
            lend: what was read, as `ask` returns it; None where there is nothing.
        """

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with closing(writer), suppress(OSError, ValueError, asyncio.LimitOverrunError):
                await _answer(reader, writer, lend)

        server = await asyncio.start_unix_server(answer, self._own, limit=MAX_REQUEST_BYTES)
        try:
            yield
        finally:
            server.close()
            self._own.unlink(missing_ok=True)

    async def ask(self, wanted: Wanted) -> bytes | None:
        """What the home of a folder has read of it. None if that is this worker, or if there is no answer."""
        home = self._home_of(wanted.path)
        if home == self._own:
            return None
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await _ask(home, wanted) or None
        except (ConnectionRefusedError, FileNotFoundError):
            home.unlink(missing_ok=True)  # of a worker that is gone
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.info("worker_not_asked", worker=home.stem, reason=type(error).__name__)
        return None

    def _home_of(self, path: ArtifactPath) -> Path:
        text = path.to_bytes()

        def rank(socket: Path) -> bytes:
            return hashlib.blake2b(os.fsencode(socket.name) + b"\0" + text, digest_size=16).digest()

        return max({self._own, *self._directory.glob(f"{self._tree}-*{_SUFFIX}")}, key=rank)


async def _ask(home: Path, wanted: Wanted) -> bytes:
    async with asyncio.timeout(ATTENTION_SECONDS):
        reader, writer = await asyncio.open_unix_connection(home)
    with closing(writer):
        request = {"path": wanted.path.text, "since": wanted.since, "may_read": wanted.may_read}
        writer.write(json.dumps(request).encode("ascii") + b"\n")
        async with asyncio.timeout(ATTENTION_SECONDS):
            await reader.readexactly(len(_ATTENTION))
        return await reader.read()


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    lend: Callable[[Wanted], Awaitable[bytes | None]],
) -> None:
    request = json.loads(await reader.readline())
    writer.write(_ATTENTION)
    wanted = Wanted(ArtifactPath.from_text(request["path"]), request["since"], request["may_read"])
    with suppress(PierheadError):  # who asked reads it too, and learns by itself what is wrong
        writer.write(await lend(wanted) or b"")
    await writer.drain()
