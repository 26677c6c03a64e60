"""The back-end for a local directory: `LocalTree` in its own threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, TypeVar

import structlog

from app.domain.entries import FileInfo, Found, Listing
from app.domain.errors import Moved, NotFound, ObjectChanged
from app.domain.paths import ArtifactPath, display_name
from app.storage.folder_walk import WalkSteps, entries_in_walk_order, sent, walk_steps
from app.storage.local.at_once import QuickTree
from app.storage.local.file import LocalFile
from app.storage.local.span import CHUNK_BYTES, LocalSpan
from app.storage.local.tree import LocalTree
from app.storage.observation import observed
from app.storage.store import (
    CONTROL_FILE_LIMIT,
    FolderWatch,
    ListNames,
    ObjectStore,
    Observer,
    QuickRead,
    SignedUrl,
)

_EXAMPLES = 5
_Result = TypeVar("_Result")

_log = structlog.get_logger(__name__)


class _Opened(NamedTuple):
    """An open file, and the first bytes of the requested part."""

    file: LocalFile
    chunk: bytes


class LocalStore:
    """An `ObjectStore` over a directory.

    A link inside the tree raises `Moved` with what it names; one that leads out of it is not found. Every
    file system call is made in a thread, so that a slow disk never blocks the event loop.

    Args:
        root: the directory to serve.
        observe: called after every call.
        threads: most file system calls at the same time, but for those that write to sockets.
        senders: threads that write to sockets. A client may keep one for a while, so nothing else waits for them. They are few,
            because the event loop competes with them for the processor.
    """

    is_one = True
    has_first_pages = False

    def __init__(self, root: Path, *, observe: Observer, threads: int = 16, senders: int = 4) -> None:
        self._tree = LocalTree(root)
        self._quick = QuickTree(str(root.absolute()))
        self._observe = observe
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="local-store")
        self._senders = ThreadPoolExecutor(senders, thread_name_prefix="local-store-sender")

    async def aclose(self) -> None:
        """Wait for running calls and end the threads."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._senders.shutdown)

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        del watch  # a directory is read at once
        with observed(self._observe, "list"):
            return await self._in_thread(lambda: self._scan(path.as_folder))

    async def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`. A directory is read when its turn comes, and as many at once as make a page."""
        del list_names
        steps = walk_steps(path, after)
        while True:
            with observed(self._observe, "list"):
                page = await self._in_thread(lambda: self._next_page(steps))
            if page is None:
                return
            yield page

    def _next_page(self, steps: WalkSteps) -> Sequence[Found] | None:
        step = next(steps, None)
        while isinstance(step, ArtifactPath):
            try:
                listing = self._scan(step)
                in_order = entries_in_walk_order(listing.entries)
                step = sent(steps, listing._replace(entries=in_order))
            except (NotFound, Moved):
                step = sent(steps, None)
        return step

    def _scan(self, folder: ArtifactPath) -> Listing:
        listing, skipped = self._tree.scan(folder)
        if skipped:
            examples = {display_name(name): skipped[name] for name in sorted(skipped)[:_EXAMPLES]}
            _log.warning("entries_skipped", folder=folder.url, count=len(skipped), examples=examples)
        return listing

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`. The stored content type is always None."""
        del is_listed  # checking the spelling costs little here

        def look() -> FileInfo:
            file = self._tree.open_file(path)
            try:
                return file.info()
            finally:
                file.close()

        with observed(self._observe, "head"):
            return await self._in_thread(look)

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        del is_listed

        def read() -> bytes:
            file = self._tree.open_file(path)
            try:
                return _whole(file)
            finally:
                file.close()

        with observed(self._observe, "get"):
            return await self._in_thread(read)

    def quick_reader(self, path: ArtifactPath, info: FileInfo) -> QuickRead:
        """See `QuickReads.quick_reader`."""
        file = self._quick.file("/".join(path.segments), info)

        def read() -> bytes | None:
            started = perf_counter()
            content = file.read()
            if content is not None:
                self._observe("get", "ok", perf_counter() - started)
            return content

        return read

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        with observed(self._observe, "get"):
            opened = await self._opened(path, info, first, min(CHUNK_BYTES, length))
        try:
            yield LocalSpan(
                opened.file,
                info,
                first,
                length,
                chunk=opened.chunk,
                threads=self._threads,
                senders=self._senders,
            )
        finally:
            self._close_later(opened.file)

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`. A directory has no URLs of its own."""
        del path, fields, expires, origin
        return None

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        with observed(self._observe, "check"):
            await self._in_thread(self._tree.check)
        return ()

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[_Result]]) -> _Result:
        """See `ObjectStore.from_one`."""
        return await use(self)

    async def _opened(self, path: ArtifactPath, info: FileInfo, first: int, length: int) -> _Opened:
        opening = self._threads.submit(self._open_unchanged, path, info, first, length)
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            # The thread goes on; a file that it opens must be closed.
            opening.add_done_callback(_close_result)
            raise

    def _open_unchanged(self, path: ArtifactPath, info: FileInfo, first: int, length: int) -> _Opened:
        """Open a file and read from it at once: from then on, it may grow."""
        file = self._tree.open_file(path)
        try:
            _check_same(file.info(), info)
            return _Opened(file, file.read(info, first, length))
        except BaseException:
            file.close()
            raise

    def _close_later(self, file: LocalFile) -> None:
        """Close a file in a thread: closing may wait for a read of a cancelled task."""
        try:
            self._senders.submit(file.close)
        except RuntimeError:
            # The server is stopping and has closed the store: no thread reads any more.
            file.close()

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _check_same(now: FileInfo, info: FileInfo) -> None:
    if (now.e_tag, now.stamp) != (info.e_tag, info.stamp):
        raise ObjectChanged


def _whole(file: LocalFile) -> bytes:
    info = file.info()
    if info.size > CONTROL_FILE_LIMIT:
        raise ValueError(f"a control file has at most {CONTROL_FILE_LIMIT} bytes")
    content = bytearray()
    while len(content) < info.size:
        content += file.read(info, len(content), info.size - len(content))
    if file.info().e_tag != info.e_tag:
        raise ObjectChanged  # rules count as a whole
    return bytes(content)


def _close_result(opening: Future[_Opened]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().file.close()
