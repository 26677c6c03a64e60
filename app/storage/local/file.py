"""An open file of a directory. Blocking calls only."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from operator import attrgetter, itemgetter
from threading import Lock
from typing import Final, NamedTuple

from app.domain.entries import File, FileInfo
from app.domain.errors import ObjectChanged
from app.storage.local.errors import os_errors_translated
from app.storage.local.sendfile import write_bytes, write_from

_COPIED_BYTES: Final = 256 * 1024
"""Most that is read to be written."""
_EVIDENCE_BYTES: Final = 16 * 1024
"""How much of what went past this process is looked at, to know it again in a file that has grown."""
_LOOKS: Final = (0, 0.001, 0.004, 0.016)
"""Seconds before each look at a file whose time is new and whose size is not: while a line is appended, the system
sets the time first and the size a moment later."""


class _Read(NamedTuple):
    """What was read last, or its end, and the file as it was then."""

    info: FileInfo
    first: int
    content: bytes


class LocalFile:
    """An open regular file. It may be closed from another thread than the one that reads.

    Args:
        descriptor: now owned by this object.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last: _Read | None = None
        # A descriptor closed under a running pread could by then be the number of another file.
        self._lock = Lock()

    def info(self) -> FileInfo:
        """Size, time and validator, as they are now."""
        with os_errors_translated():
            return info_of(os.fstat(self._descriptor))

    def read(self, info: FileInfo, first: int, length: int) -> bytes:
        """Read at most `length` bytes, at least one.

        The first read is of the file that `info` describes. After that it may grow: a log is sent up to the
        size that it had.

        Raises:
            ObjectChanged: the file is no longer the one that `info` describes, or became shorter, or was
                rewritten in place.
        """
        with self._lock, os_errors_translated():
            content = os.pread(self._descriptor, length, first)
            self._keep(info, first, content)
            return content

    def check(self, info: FileInfo) -> None:
        """Look whether it is still the same file. Raises ObjectChanged as `read` does."""
        with self._lock, os_errors_translated():
            self._check(info)

    def write(self, connection: int, info: FileInfo, first: int, length: int) -> int:
        """Write bytes of the file to a socket, without a way through this process (sendfile(2)).

        Args:
            connection: descriptor of a socket that does not block.

        Returns:
            How many the socket took, at most `length`; 0 for none at present.

        Raises:
            ObjectChanged: as `read`, when they are written.
            ConnectionError: the socket is not connected any more.
        """
        with self._lock:
            sent = write_from(self._descriptor, connection, first, length)
            if sent is not None:
                with os_errors_translated():
                    self._keep_end(info, first, sent)
                return sent
        return self.copy(connection, info, first, min(length, _COPIED_BYTES))

    def copy(self, connection: int, info: FileInfo, first: int, length: int) -> int:
        """Read bytes, and write them to a socket. As `write`, but of another file than this one nothing is written."""
        return write_bytes(connection, self.read(info, first, length))

    def close(self) -> None:
        """Close the descriptor. A second call does nothing."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _keep_end(self, info: FileInfo, first: int, length: int) -> None:
        """The same for the end of what was written."""
        seen = min(length, _EVIDENCE_BYTES)
        if seen:
            first += length - seen
            self._keep(info, first, os.pread(self._descriptor, seen, first))
        else:
            self._check(info)

    def _keep(self, info: FileInfo, first: int, content: bytes) -> None:
        """Keep what was read as evidence, if the file is still the same.

        Raises:
            ObjectChanged: it is not.
        """
        now = self._check(info)
        if not content:
            raise ObjectChanged
        self._last = _Read(now, first, content)

    def _check(self, info: FileInfo) -> FileInfo:
        """What the file is now. Raises ObjectChanged if it is not the one that was read last, or has not only grown since."""
        before = self._last.info if self._last else info
        for pause in _LOOKS:
            if pause:  # without one, the system would be asked to sleep all the same
                time.sleep(pause)
            status = os.fstat(self._descriptor)
            if e_tag_of(status) == before.e_tag:
                return before
            now = info_of(status)
            if self._has_only_grown(now):
                return now
            if now.size != before.size:
                break
        raise ObjectChanged

    def _has_only_grown(self, now: FileInfo) -> bool:
        """Whether the file has grown since the last read, and those bytes are still in it.

        A file that is rewritten keeps its size, or is shorter for a while, or has other bytes there.
        """
        last = self._last
        if last is None or now.size <= last.info.size:
            return False
        return os.pread(self._descriptor, len(last.content), last.first) == last.content


def info_of(status: os.stat_result) -> FileInfo:
    """The info of a file with this status."""
    return FileInfo(status.st_size, status.st_mtime, e_tag_of(status), stamp=stamp_of(status))


def files_of(names: Iterable[str], statuses: Sequence[os.stat_result]) -> list[File]:
    """The files of a folder with these names and statuses.

    Column by column, without a call of Python for each: a walk does this for every file of a tree.
    """
    sizes = [*map(_size, statuses)]
    e_tags = map(_as_text, zip(map(_modified_ns, statuses), sizes, strict=True))
    stamps = map(_as_text, zip(map(_number, statuses), map(_changed_ns, statuses), strict=True))
    columns = names, sizes, map(_modified, statuses), e_tags, stamps, repeat(None, len(sizes))
    return [*map(_as_file, zip(*columns, strict=True))]


def e_tag_of(status: os.stat_result) -> str:
    """The entity tag, from the time and size that a faithful copy keeps, so that every replica has the same one."""
    return _as_text((status.st_mtime_ns, status.st_size))


def stamp_of(status: os.stat_result) -> str:
    """The stamp. It changes with every new file of this name, even if its time is set to the old one."""
    return _as_text((status.st_ino, status.st_ctime_ns))


_as_text: Callable[[tuple[int, int]], str] = "%x-%x".__mod__
_as_file: Callable[[Iterable[object]], File] = partial(tuple.__new__, File)
"""What `File._make` does, without a call of Python."""
_size: Callable[[os.stat_result], int] = itemgetter(stat.ST_SIZE)
_number: Callable[[os.stat_result], int] = itemgetter(stat.ST_INO)
_modified: Callable[[os.stat_result], float] = attrgetter("st_mtime")
_modified_ns: Callable[[os.stat_result], int] = attrgetter("st_mtime_ns")
_changed_ns: Callable[[os.stat_result], int] = attrgetter("st_ctime_ns")
