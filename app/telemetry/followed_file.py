"""A log file that follows its name, so that it may be rotated by renaming it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

_MODE: Final = 0o640
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY


class FollowedFile:
    """Opened when it is written to, and again whenever its name stands for another file or for none.

    Args:
        path: of a file, which need not exist, or of a pipe or device.
        note_opened: called each time it was opened. What it raises goes to the caller.
    """

    def __init__(self, path: Path, note_opened: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._note_opened = note_opened
        self._descriptor: int | None = None

    def write(self, piece: bytes) -> int:
        """Append bytes. Returns how many were taken.

        Raises:
            OSError: none can be.
        """
        return os.write(self.fileno(), piece)

    def fileno(self) -> int:
        """The descriptor. Opens the file, or the one that has its name by now.

        Raises:
            OSError: it cannot be opened.
        """
        if self._descriptor is not None:
            if _is_named(self._path, self._descriptor):
                return self._descriptor
            os.close(self._descriptor)
            self._descriptor = None
        self._descriptor = os.open(self._path, _FLAGS, _MODE)
        self._note_opened()
        return self._descriptor

    def check(self) -> None:
        """Open the file, and make it if it does not exist.

        Raises:
            OSError: it cannot be written to.
        """
        descriptor = os.open(self._path, _FLAGS | os.O_NONBLOCK, _MODE)
        try:
            os.write(descriptor, b"")  # a device such as /dev/full refuses even nothing
        finally:
            os.close(descriptor)


def _is_named(path: Path, descriptor: int) -> bool:
    """Whether a path stands for the file that is open."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
