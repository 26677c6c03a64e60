"""Writes lines without ever blocking the caller.

A write to a pipe blocks while its reader has stalled. So a thread
writes, and the bytes that wait for it are bounded. The stream is not made non-blocking: that would change it for
every other process that has it.
"""

from __future__ import annotations

import io
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import structlog

from app.telemetry.followed_file import FollowedFile

MAX_WAITING_BYTES: Final = 1024 * 1024
"""Most bytes that wait for a reader: some four thousand lines."""
FLUSH_SECONDS: Final = 1.0
"""Seconds that the end of the process waits for a reader."""

_log = structlog.get_logger("pierhead.telemetry")


class LineWriter:
    """Takes whole lines from any thread, and writes them in that order.

    Attributes:
        note_dropped: called with the number of lines dropped because the reader of the stream has stalled.

    Args:
        stream: written to as bytes, below its own buffer; or a file.
        most: bytes that may wait.
    """

    def __init__(self, stream: TextIO | FollowedFile, most: int = MAX_WAITING_BYTES) -> None:
        # Not through the buffer: a blocked write would hold its lock, and so block every other user of the stream.
        self._raw: io.RawIOBase | BinaryIO | FollowedFile = (
            stream
            if isinstance(stream, FollowedFile)
            else getattr(stream.buffer, "raw", None) or stream.buffer
        )
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.note_dropped: Callable[[int], None] = _ignore

    def write(self, lines: bytes) -> None:
        """Take whole lines. Returns at once. Drops them if too many bytes are waiting."""
        with self._changed:
            if self._size + len(lines) <= self._most:
                self._waiting.append(lines)
                self._size += len(lines)
                dropped = 0
            else:
                dropped = lines.count(b"\n")
                self._dropped += dropped
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if dropped:
            self.note_dropped(dropped)

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until everything is written, but not longer than this many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                lines = self._waiting.popleft()
            is_written = self._write_all(lines)
            with self._changed:
                self._size -= len(lines)
                self._dropped += 0 if is_written else lines.count(b"\n")
                dropped = self._dropped if is_written and self._size <= self._most // 2 else 0
                self._dropped -= dropped
                self._changed.notify_all()
            if not is_written:
                self.note_dropped(lines.count(b"\n"))
            if dropped:
                _log.warning("log_lines_dropped", count=dropped)

    def _write_all(self, lines: bytes) -> bool:
        try:
            for piece in (lines,) if self._is_file() else _pieces(lines):
                self._write_piece(piece)
        except (OSError, ValueError):  # the reader is gone, the disk is full, the stream is closed
            return False
        return True

    def _is_file(self) -> bool:
        try:
            return stat.S_ISREG(os.fstat(self._raw.fileno()).st_mode)
        except io.UnsupportedOperation:  # a stream of this process's own
            return False

    def _write_piece(self, piece: bytes) -> None:
        while piece:
            written = self._raw.write(piece)
            if written is None:  # another process has made the stream non-blocking
                select.select([], [self._raw], [])
            else:
                piece = piece[written:]


def _pieces(lines: bytes) -> Iterator[bytes]:
    """As many whole lines as a pipe takes at once, so that lines of several workers are never mixed. A file takes any number."""
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + select.PIPE_BUF) + 1 or lines.find(b"\n", start) + 1
        yield lines[start:end]
        start = end


@cache
def writer_to(stream: TextIO) -> LineWriter:
    """The only writer to a stream, so that lines of all sources come in order and are never mixed."""
    return LineWriter(stream)


@cache
def writer_to_file(path: Path) -> LineWriter:
    """The only writer to a file, which may be rotated by renaming it."""
    return LineWriter(FollowedFile(path))


def _ignore(dropped: int) -> None:
    pass
