"""The forms of archives: the bytes around and of each file, made while they are sent."""

from __future__ import annotations

import re
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Final, Protocol

MOST_IN_ZIP: Final = 100_000
"""A zip ends with a list of what it has, which is held in memory until then: half a kilobyte for each file."""

_OLDEST_IN_ZIP: Final = 315_532_800
_NEWEST_IN_ZIP: Final = 4_354_819_198
"""1980 to 2107, in seconds since the epoch: the dates of MS-DOS."""
_UNIX_TIME: Final = 0x5455
"""The extra field for times in UTC, to the second (Info-ZIP's `proginfo/extrafld.txt`)."""
_LARGEST_UNIX_TIME: Final = 2**31 - 1
_NOT_UTF_8: Final = re.compile("[\udc80-\udcff]")
_MS_DOS_FOLDER: Final = 0x10


class ArchiveWriter(Protocol):
    """Makes one archive. Each method returns the bytes to send next."""

    @property
    def has_room(self) -> bool:
        """Whether another file or folder can be put in."""
        ...

    def folder(self, name: str, modified: float) -> bytes:
        """A folder.

        Args:
            name: with slashes between its parts, and none at the end; bytes that are not UTF-8 are lone surrogates.
            modified: seconds since the epoch, UTC; 0 for unknown.
        """
        ...

    def file(self, name: str, size: int, modified: float) -> bytes:
        """What stands before the content of a file. `content` follows, and then `file_end`.

        Args:
            name: as in `folder`.
            size: bytes of its content.
            modified: as in `folder`.
        """
        ...

    def content(self, chunk: bytes) -> bytes:
        """A part of the content."""
        ...

    def file_end(self) -> bytes:
        """What stands after the content."""
        ...

    def end(self) -> bytes:
        """The end of the archive."""
        ...

    def close(self) -> None:
        """Give up what is held, with the archive finished or not."""
        ...


class TarWriter:
    """A tar (POSIX.1-2001, pax)."""

    def __init__(self) -> None:
        self._size = 0
        self.has_room = True

    def folder(self, name: str, modified: float) -> bytes:
        return _tar_head(f"{name}/", None, modified)

    def file(self, name: str, size: int, modified: float) -> bytes:
        self._size = size
        return _tar_head(name, size, modified)

    def content(self, chunk: bytes) -> bytes:
        return chunk

    def file_end(self) -> bytes:
        return bytes(-self._size % tarfile.BLOCKSIZE)

    def end(self) -> bytes:
        return bytes(2 * tarfile.BLOCKSIZE)

    def close(self) -> None:
        pass


class ZipWriter:
    """A zip (PKWARE's APPNOTE 6.3.10) of files that are stored as they are: artifacts are compressed already.

    Sizes and checksums follow the content in data descriptors (section 4.3.9), with zip64 where 32 bits are too few.

    Args:
        most: files and folders that it has room for.
    """

    def __init__(self, most: int = MOST_IN_ZIP) -> None:
        self._most = most
        self._out = _Outlet()
        self._zip = zipfile.ZipFile(self._out, "w")
        self._file: IO[bytes] | None = None

    @property
    def has_room(self) -> bool:
        return len(self._zip.filelist) < self._most

    def folder(self, name: str, modified: float) -> bytes:
        member = _zip_member(f"{name}/", modified)
        member.external_attr = 0o40755 << 16 | _MS_DOS_FOLDER
        member.CRC = 0  # which mkdir leaves out
        self._zip.mkdir(member)
        return self._out.taken()

    def file(self, name: str, size: int, modified: float) -> bytes:
        member = _zip_member(name, modified)
        member.external_attr = 0o100644 << 16
        member.file_size = size
        self._file = self._zip.open(member, "w")
        return self._out.taken()

    def content(self, chunk: bytes) -> bytes:
        assert self._file is not None
        self._file.write(chunk)
        return self._out.taken()

    def file_end(self) -> bytes:
        if self._file is not None:
            self._file.close()
        self._file = None
        return self._out.taken()

    def end(self) -> bytes:
        self._zip.close()
        return self._out.taken()

    def close(self) -> None:
        self.file_end()
        self.end()


class _Outlet:
    """What a zip is written into: no file, so that it is written as for a pipe."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes, /) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing: what was written is taken at once."""

    def close(self) -> None:
        """Nothing: no descriptor is held."""

    def taken(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


WRITERS: Final[Mapping[str, Callable[[], ArchiveWriter]]] = {
    "tar": TarWriter,
    "tar.zst": TarWriter,
    "zip": ZipWriter,
}


def _tar_head(name: str, size: int | None, modified: float) -> bytes:
    """The head of a file, or of a folder where there is no size."""
    member = tarfile.TarInfo(name)
    member.mtime = max(0, int(modified))
    if size is None:
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    else:
        member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _zip_member(name: str, modified: float) -> zipfile.ZipInfo:
    """A member as Unix has it. Names in a zip are UTF-8: other bytes of a name are as its URL has them."""
    seconds = int(modified)
    moment = datetime.fromtimestamp(min(max(seconds, _OLDEST_IN_ZIP), _NEWEST_IN_ZIP), UTC)
    name = _NOT_UTF_8.sub(lambda odd: f"%{ord(odd[0]) - 0xDC00:02X}", name)
    member = zipfile.ZipInfo(name, moment.timetuple()[:6])
    member.create_system = 3
    if 0 < seconds <= _LARGEST_UNIX_TIME:
        member.extra = struct.pack("<HHBl", _UNIX_TIME, 5, 1, seconds)
    return member
