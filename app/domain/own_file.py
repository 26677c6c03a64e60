"""Reads a file that the operator names: to its end, but never without one."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from io import FileIO
from pathlib import Path
from typing import Final

PIPE_SECONDS: Final = 5.0
"""How long what writes to a pipe may take, such as a program that decrypts the settings."""
MAX_BYTES: Final = 16 * 1024 * 1024
"""Far more than any file that an operator writes."""
_PIECE_BYTES: Final = 65536


def read_own_file(path: Path, *, pipe_seconds: float = PIPE_SECONDS) -> bytes:
    """The content of a file, or of a pipe or device.

    A pipe gives its content once. So an empty one is a fault: a policy without rules would open everything.

    Args:
        pipe_seconds: how long to wait for the end of what is not a regular file.

    Raises:
        OSError: it cannot be read, it has more than `MAX_BYTES`, or a pipe has no content or no end in this
            time.
    """
    with open(path, "rb", buffering=0, opener=_open) as file:
        mode = os.fstat(file.fileno()).st_mode
        content = _until_end(file, pipe_seconds)
    if len(content) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"this has more than {MAX_BYTES} bytes", str(path))
    if stat.S_ISFIFO(mode) and not content:
        raise OSError(errno.ENODATA, "this pipe is empty, because it gives its content only once", str(path))
    return content


def read_own_text(path: Path) -> str:
    """The same as text, with `\\n` at the end of each line.

    Raises:
        OSError: as `read_own_file`.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_own_file(path).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _open(path: str, flags: int) -> int:
    """Opening a pipe that nobody writes to would wait; this means nothing for a regular file."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _until_end(file: FileIO, seconds: float) -> bytes:
    """All of it, or a little more than `MAX_BYTES`. One read may give less than there is, also of a regular file (read(2))."""
    waiting = select.poll()
    waiting.register(file, select.POLLIN)
    content = bytearray()
    end = time.monotonic() + seconds
    while len(content) <= MAX_BYTES and waiting.poll(max(0.0, end - time.monotonic()) * 1000):
        piece = file.read(_PIECE_BYTES)
        if piece == b"":
            return bytes(content)
        content += piece or b""
    if len(content) > MAX_BYTES:
        return bytes(content)
    raise TimeoutError(errno.ETIMEDOUT, f"this pipe has not ended after {seconds:g} seconds", file.name)
