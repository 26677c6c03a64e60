"""Writes lines to a file. A line that cannot be written is an error for its caller.

A thread writes, so that a disk or reader that hangs blocks nobody else. The caller waits until its line is on the
disk, so that it outlives this process and a power cut. Lines that wait at the same time are brought there together.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from app.domain.errors import AuditUnavailable
from app.telemetry.followed_file import FollowedFile

MAX_WAITING: Final = 1000
"""Most lines that wait to be written."""
WAIT_SECONDS: Final = 5.0
"""How long a line is waited for."""
_CANNOT_BE_SYNCED: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EROFS})
"""What the system says of a pipe or a device (fsync(2)): it keeps nothing that could be lost."""

_Taken = TypeVar("_Taken")


class _Waiting(NamedTuple):
    line: bytes
    loop: asyncio.AbstractEventLoop
    written: asyncio.Future[None]


class AuditFile:
    """Appends whole lines, for several processes at once.

    The file is opened again whenever its name stands for another one, so that it may be rotated by renaming it.

    Args:
        path: of a file, which need not exist, or of a pipe or device.
        wait_seconds: as `WAIT_SECONDS`.
    """

    def __init__(self, path: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        self._folder = path.parent
        self._file = FollowedFile(path, self._note_opened)
        self._wait_seconds = wait_seconds
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._descriptor: int | None = None
        self._is_torn = False

    async def append(self, line: bytes) -> None:
        """Write one line, and wait until it is on the disk.

        Args:
            line: with its line feed.

        Raises:
            AuditUnavailable: it cannot be written, or not soon enough. It may be there nevertheless.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(line, loop, loop.create_future())
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                raise AuditUnavailable
            self._waiting.append(waiting)
            if self._thread is None:
                # A daemon: a pipe that nobody reads must not keep the process from ending.
                self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            await asyncio.wait_for(waiting.written, self._wait_seconds)
        except (OSError, TimeoutError) as error:
            raise AuditUnavailable from error

    def check(self) -> None:
        """Open the file, and make it if it does not exist.

        Raises:
            OSError: it cannot be written to.
        """
        self._file.check()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                batch = tuple(self._waiting)
            failures = self._write_all([waiting.line for waiting in batch])
            with self._changed:
                for _ in batch:  # only now: what is being written waits still
                    self._waiting.popleft()
            for waiting, failure in zip(batch, failures, strict=True):
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    waiting.loop.call_soon_threadsafe(_tell, waiting.written, failure)

    def _write_all(self, lines: Sequence[bytes]) -> list[OSError | None]:
        """Bring lines to the disk. Gives for each what went wrong."""
        failures = [self._failure_of(self._write, line) for line in lines]
        if None not in failures or self._descriptor is None:
            return failures
        unsynced = self._failure_of(_sync, self._descriptor)
        return [failure or unsynced for failure in failures]

    @staticmethod
    def _failure_of(act: Callable[[_Taken], None], taken: _Taken) -> OSError | None:
        try:
            act(taken)
        except OSError as error:
            return error
        return None

    def _write(self, line: bytes) -> None:
        """Write a whole line, apart from what was left of one that could not be finished."""
        self._descriptor = descriptor = self._file.fileno()
        left = b"\n" + line if self._is_torn else line
        while left:
            try:
                written = os.write(descriptor, left)
            except OSError:
                self._is_torn = self._is_torn or len(left) < len(line)
                raise
            left = left[written:]
        self._is_torn = False

    def _note_opened(self) -> None:
        self._is_torn = False
        _sync_folder(self._folder)


def _sync(descriptor: int) -> None:
    """Have the system bring what was written to the disk."""
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_BE_SYNCED:
            raise


def _sync_folder(folder: Path) -> None:
    """The name of a new file is on the disk only if its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _tell(written: asyncio.Future[None], failure: OSError | None) -> None:
    if written.done():  # nobody waits any more
        return
    if failure is None:
        written.set_result(None)
    else:
        written.set_exception(failure)
