"""What a sample tree is planned in, and the small things most of its folders hold."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

_CHUNK = 1024 * 1024
_STORED_LIMIT = 0xFFFF


class Blob(NamedTuple):
    """A file with content of its own.

    Attributes:
        path: tree path, `releases/2026.03/README.txt`.
        content: all its bytes.
        modified: seconds since the epoch.
    """

    path: str
    content: bytes
    modified: int


class Sparse(NamedTuple):
    """A large file that takes hardly any room on a disk.

    Attributes:
        path: tree path.
        size: bytes; all of them are zero but for the marks.
        marks: (offset, bytes) in ascending order, each within one MiB, so that a span of the file can be told from another.
        modified: seconds since the epoch.
    """

    path: str
    size: int
    marks: tuple[tuple[int, bytes], ...]
    modified: int


class Link(NamedTuple):
    """Another name for a folder beside it: a symlink in a directory, a `.s3_linked_from` in S3.

    Attributes:
        path: tree path of the link.
        target: name of the folder.
        modified: seconds since the epoch.
    """

    path: str
    target: str
    modified: int


class EmptyFolder(NamedTuple):
    """A folder with nothing in it: an empty directory, a marker object in S3.

    Attributes:
        path: tree path, without a slash at its end.
        modified: seconds since the epoch.
    """

    path: str
    modified: int


class Checksums(NamedTuple):
    """A file as `sha256sum` and `md5sum` write and check it. Worked out only when it is written.

    Attributes:
        path: tree path; its name is `SHA256SUMS` or `MD5SUMS`.
        files: files of the same folder.
        modified: seconds since the epoch.
    """

    path: str
    files: tuple[Blob | Sparse, ...]
    modified: int

    def content(self) -> bytes:
        """One line for each file."""
        name = self.path.rpartition("/")[2].removesuffix("SUMS").lower()
        lines = (f"{_digest(file, name)}  {file.path.rpartition('/')[2]}\n" for file in self.files)
        return "".join(lines).encode()


Content = Blob | Sparse
Item = Content | Checksums | Link | EmptyFolder


def day(year: int, month: int, date: int) -> int:
    """Noon of a day, UTC, in seconds since the epoch."""
    return int(datetime(year, month, date, 12, tzinfo=UTC).timestamp())


def text(path: str, content: str, modified: int) -> Blob:
    """A text file."""
    return Blob(path, content.encode(), modified)


def noise(path: str, size: int, modified: int) -> Blob:
    """A file of bytes that look random and depend on nothing but its path."""
    return Blob(path, hashlib.shake_256(path.encode()).digest(size), modified)


def gzipped(path: str, size: int, modified: int) -> Blob:
    """A gzip file (RFC 1952) around some noise, at least one byte.

    It is put together by hand from stored blocks (RFC 1951 section 3.2.4) and a header without time or
    system, because what `gzip.compress` makes differs between versions of Python and zlib.
    """
    content = noise(path, size, modified).content
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    blocks = []
    for start in range(0, size, _STORED_LIMIT):
        block = content[start : start + _STORED_LIMIT]
        is_last = start + len(block) == size
        blocks.append(struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF) + block)
    trailer = struct.pack("<II", zlib.crc32(content), size)
    return Blob(path, b"".join((header, *blocks, trailer)), modified)


def chunks(file: Content) -> Iterator[bytes]:
    """A file's bytes, at most one MiB at a time."""
    if isinstance(file, Blob):
        yield file.content
        return
    for start in range(0, file.size, _CHUNK):
        chunk = bytearray(min(_CHUNK, file.size - start))
        for offset, mark in file.marks:
            if start <= offset < start + len(chunk):
                chunk[offset - start : offset - start + len(mark)] = mark
        yield bytes(chunk)


def _digest(file: Content, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in chunks(file):
        digest.update(chunk)
    return digest.hexdigest()
