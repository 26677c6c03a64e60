"""Small files that can be had without waiting for a disk: what the system has in memory already."""

from __future__ import annotations

import ctypes
import os
from typing import Final

from app.domain.entries import FileInfo
from app.storage.local.file import e_tag_of, stamp_of

_SYS_OPENAT2: Final = 437
"""The same number on every architecture that Linux has had it on (openat2(2))."""
_AT_FDCWD: Final = -100
_CACHED: Final = 0x20
"""RESOLVE_CACHED: fail where a directory on the way would have to be read."""
_NO_SYMLINKS: Final = 0x04
_ROOT_FLAGS: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long


class _How(ctypes.Structure):
    """`struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_HOW_BYTES: Final = ctypes.sizeof(_How)
_ROOT: Final = ctypes.byref(_How(_ROOT_FLAGS, 0, _CACHED))
_FILE: Final = ctypes.byref(_How(_FILE_FLAGS, 0, _CACHED | _NO_SYMLINKS))


class QuickTree:
    """A directory whose files are read on the event loop, where that takes no waiting.

    Args:
        root: the directory to serve. It may itself be reached through links.
    """

    def __init__(self, root: str) -> None:
        self._root = os.fsencode(root)
        self._is_behind_links = os.path.realpath(root) != root

    def file(self, name: str, info: FileInfo) -> QuickFile:
        """A file of it.

        Args:
            name: path below the root.
            info: as a listing of its folder has it, which is how the name is known to be spelled.
        """
        below = os.fsencode(name)
        if self._is_behind_links:
            return QuickFile(self._root, below, info)
        # Should the root become a link, opening fails.
        return QuickFile(None, os.path.join(self._root, below), info)  # noqa: PTH118 - bytes


class QuickFile:
    """One file, which may be read again and again.

    Args:
        root: the directory that links lead to; None for none.
        name: path below the root, or from where the process is.
        info: what the file is to be.
    """

    def __init__(self, root: bytes | None, name: bytes, info: FileInfo) -> None:
        self._root = root
        self._name = name
        self._info = info
        self._known: tuple[int, ...] = ()

    def read(self) -> bytes | None:
        """The whole of the file.

        Returns:
            The bytes of that very file. None where the path or the content is not in the system's memory, where the
            file is another by now or cannot be read, and where the system cannot tell.
        """
        size = self._info.size
        try:
            file = self._open()
        except OSError:
            return None
        try:
            content = bytearray(size)
            read = os.preadv(file, (content,), 0, os.RWF_NOWAIT)
            now = os.fstat(file)
        except OSError:
            return None
        finally:
            os.close(file)
        return bytes(content) if read == size and self._is_same(now) else None

    def _is_same(self, now: os.stat_result) -> bool:
        seen = (now.st_ino, now.st_ctime_ns, now.st_mtime_ns, now.st_size)
        if seen == self._known:
            return True
        if (e_tag_of(now), stamp_of(now)) != (self._info.e_tag, self._info.stamp):
            return False
        self._known = seen  # writing the tags out takes longer than comparing
        return True

    def _open(self) -> int:
        if self._root is None:
            return _openat2(_AT_FDCWD, self._name, _FILE)
        folder = _openat2(_AT_FDCWD, self._root, _ROOT)
        try:
            return _openat2(folder, self._name, _FILE)
        finally:
            os.close(folder)


def _openat2(folder: int, name: bytes, how: object) -> int:
    descriptor: int = _syscall(_SYS_OPENAT2, folder, name, how, _HOW_BYTES)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "openat2")
    return descriptor
