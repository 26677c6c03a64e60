"""Where files are written: below one directory, whatever names a server gives."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from app.client.errors import FetchFailed
from app.client.texts import one_line
from app.domain.paths import MAX_NAME_BYTES, ArtifactPath

PART_ENDING: Final = ".pierhead.part"
_NOTE_ENDING: Final = ".pierhead.etag"
_OPEN_TRIES: Final = 3
_LONGEST_STEM: Final = MAX_NAME_BYTES - len(PART_ENDING)


class Destination:
    """A directory into which files are written. Symbolic links below it are never followed.

    Args:
        directory: made if it is missing; it may itself be a link.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)

    def close(self) -> None:
        """Write nothing any more."""
        os.close(self._top)

    @contextmanager
    def place(self, path: ArtifactPath) -> Iterator[Place]:
        """Where one file belongs; the folders above it are made.

        Args:
            path: below the directory.

        Raises:
            FetchFailed: the path is no place for a file: a link or a file stands where a folder must be, or another
                process writes the same file.
            OSError: the disk fails.
        """
        if not path.segments or path.name.endswith((PART_ENDING, _NOTE_ENDING)):
            raise FetchFailed(f"{shown(path)}: is not a valid file name, or one of an unfinished download")
        folder = self._folder(path)
        try:
            with closing(Place(folder, path)) as place:
                yield place
        finally:
            os.close(folder)

    def _folder(self, path: ArtifactPath) -> int:
        """The file descriptor of the folder that holds a path."""
        opened = os.dup(self._top)
        for name in path.segments[:-1]:
            above = opened
            try:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=above)
                opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise FetchFailed(
                        f"{shown(path)}: {one_line(name)} is no directory here, or a symbolic link: these are not followed"
                    ) from error
                raise
            finally:
                os.close(above)
        return opened


class Place:
    """A file to be, and the part of it that has arrived.

    The part has its own name until it is complete and checked. Beside it lies a note of the URL and the validator
    (`ETag`) that its bytes are of, so that it is only ever continued with bytes of the same file.

    Args:
        folder: file descriptor of the folder it is in.
        path: for messages.
    """

    def __init__(self, folder: int, path: ArtifactPath) -> None:
        self._folder = folder
        self._path = path
        self._name = path.name
        stem = _stem(path.name)
        self._part_name, self._note_name = stem + PART_ENDING, stem + _NOTE_ENDING
        self._part = self._open_part()

    def close(self) -> None:
        """Leave the part for the next time, if it has anything to continue."""
        is_empty = self.arrived == 0
        if is_empty and self._is_named():
            self._unlink(self._part_name)
            self._unlink(self._note_name)
        os.close(self._part)

    def existing(self) -> BinaryIO | None:
        """The complete file, if there is one from before; the caller closes it."""
        try:
            opened = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._folder)
        except (FileNotFoundError, IsADirectoryError):
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                return None  # a link or a socket: it is replaced, never written through
            raise
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            return None
        return os.fdopen(opened, "rb")

    @property
    def arrived(self) -> int:
        """Bytes of the part."""
        return os.fstat(self._part).st_size

    def e_tag(self, url: str) -> str | None:
        """The validator of the part's bytes, if they are of this URL."""
        try:
            note = os.open(self._note_name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._folder)
        except OSError:
            return None
        with os.fdopen(note, encoding="utf-8", errors="replace") as opened:
            source, _, e_tag = opened.read(16 * 1024).partition("\n")
        return e_tag if source == url and e_tag else None

    def begin(self, url: str, e_tag: str | None) -> None:
        """Throw the part away and begin anew.

        Args:
            e_tag: the strong validator of what follows; None if it has none, and cannot be continued.
        """
        os.ftruncate(self._part, 0)
        self._unlink(self._note_name)
        if e_tag is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            note = os.open(self._note_name, flags, 0o666, dir_fd=self._folder)
            with os.fdopen(note, "w", encoding="utf-8") as opened:
                opened.write(f"{url}\n{e_tag}")
        os.lseek(self._part, 0, os.SEEK_SET)

    def continue_at(self, offset: int) -> None:
        """Keep this many bytes of the part; what is written next follows them."""
        os.ftruncate(self._part, offset)
        os.lseek(self._part, offset, os.SEEK_SET)

    def write(self, chunk: bytes) -> None:
        """Append to the part."""
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._part, view) :]

    def read_part(self) -> BinaryIO:
        """All bytes of the part; the caller closes it."""
        stream = os.fdopen(os.dup(self._part), "rb")
        stream.seek(0)
        return stream

    def finish(self, modified: float | None) -> None:
        """Make the part the file.

        Args:
            modified: seconds since the epoch; None for now.
        """
        if modified is not None:
            os.utime(self._part, (modified, modified))
        try:
            os.rename(self._part_name, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except IsADirectoryError as error:
            raise FetchFailed(f"{shown(self._path)}: is a directory here") from error
        self._unlink(self._note_name)

    def _open_part(self) -> int:
        """Open and lock it: two processes that write one file would mix their bytes."""
        for _ in range(_OPEN_TRIES):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            part = os.open(self._part_name, flags, 0o666, dir_fd=self._folder)
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._require_ordinary(part)
                if self._is_named(part):
                    return part
                os.close(part)  # who had it locked has finished it meanwhile
            except BlockingIOError as error:
                os.close(part)
                raise FetchFailed(f"{shown(self._path)}: another process is writing it") from error
            except BaseException:
                os.close(part)
                raise
        raise FetchFailed(f"{shown(self._path)}: other processes are writing it")

    def _require_ordinary(self, part: int) -> None:
        if not stat.S_ISREG(os.fstat(part).st_mode):
            raise FetchFailed(f"{shown(self._path)}: {one_line(self._part_name)} is not a regular file")

    def _is_named(self, part: int | None = None) -> bool:
        """Whether the open part still has its name."""
        try:
            named = os.stat(self._part_name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._part if part is None else part))

    def _unlink(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)


def shown(path: ArtifactPath) -> str:
    """A path as a terminal may show it."""
    return one_line(path.text)


def _stem(name: str) -> str:
    """A name, or where endings would make it too long, the beginning of it and a hash of all."""
    raw = os.fsencode(name)
    if len(raw) <= _LONGEST_STEM:
        return name
    end = "-" + hashlib.sha256(raw).hexdigest()[:16]
    return os.fsdecode(raw[: _LONGEST_STEM - len(end)]) + end
