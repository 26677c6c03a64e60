"""A directory tree, walked so that no symbolic link is ever followed while opening. Blocking calls only."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from app.domain.entries import Entry, File, Folder
from app.domain.errors import ImpossiblePath, Moved, NotFound, PathTooLong, StoreUnavailable
from app.domain.paths import ArtifactPath, is_possible_name
from app.storage.local.errors import NOTHING_THERE, os_errors_translated
from app.storage.local.file import LocalFile, e_tag_of, stamp_of
from app.storage.local.link_text import named_by_link
from app.storage.local.spelling import check_spelling

_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER_FLAGS = _ROOT_FLAGS | os.O_NOFOLLOW
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""O_NONBLOCK: opening a FIFO that nobody writes to returns at once; it means nothing for a regular file."""


class LocalTree:
    """The directory below `root`, seen through `ArtifactPath`s.

    Every segment is opened relative to the descriptor of the one before it (openat(2) with O_NOFOLLOW), so
    that swapping a directory for a link in mid-walk gains nothing.

    Args:
        root: the directory to serve. It may itself be reached through links.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def check(self) -> None:
        """Prove that the root is a directory which can be read and searched.

        Raises:
            StoreUnavailable: it is not there.
            StoreDenied: it may not be read.
        """
        with os_errors_translated():
            root = self._open_root()
            try:
                os.stat(".", dir_fd=root)
            finally:
                os.close(root)

    def scan(self, path: ArtifactPath) -> tuple[tuple[Entry, ...], dict[str, str]]:
        """Everything directly in one folder.

        Returns:
            The entries, and the names that had to be left out, each with the reason.

        Raises:
            NotFound, Moved, StoreDenied, StoreUnavailable: see `ObjectStore.list_folder`.
        """
        entries: list[Entry] = []
        skipped: dict[str, str] = {}
        with os_errors_translated():
            folder = self._open_folder(path.segments, path)
            try:
                with os.scandir(folder) as items:
                    for item in items:
                        try:
                            entries.append(self._entry(path, folder, item))
                        except _Unusable as reason:
                            skipped[item.name] = str(reason)
                        except _Vanished:
                            continue
            finally:
                os.close(folder)
        return tuple(entries), skipped

    def open_file(self, path: ArtifactPath) -> LocalFile:
        """Open a regular file for reading.

        Raises:
            NotFound, Moved, StoreDenied, StoreUnavailable: see `ObjectStore.head`.
        """
        if path.is_folder:
            raise NotFound
        with os_errors_translated():
            folder = self._open_folder(path.segments[:-1], path)
            try:
                check_spelling(path.name, folder)
                return LocalFile(_open_regular(path.name, folder))
            except OSError as error:
                self._raise_if_link(error, path, len(path.segments) - 1, folder)
                raise
            finally:
                os.close(folder)

    def _open_root(self) -> int:
        try:
            return os.open(self._root, _ROOT_FLAGS)
        except (FileNotFoundError, NotADirectoryError) as error:
            # A lost mount is a broken store, not an empty one.
            raise StoreUnavailable("root-missing") from error

    def _open_folder(self, segments: tuple[str, ...], path: ArtifactPath) -> int:
        """Open the folder at `segments`, on the way to `path`."""
        folder = self._open_root()
        for depth, name in enumerate(segments):
            try:
                check_spelling(name, folder)
                inner = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
            except OSError as error:
                self._raise_if_link(error, path, depth, folder)
                raise
            finally:
                os.close(folder)
            folder = inner
        return folder

    def _raise_if_link(self, error: OSError, path: ArtifactPath, depth: int, folder: int) -> None:
        """Raise Moved where a link is why the segment at `depth` of `path` could not be opened in `folder`.

        Only its own text is read. What that names may be private, a link again, or absent: each is for others to judge.
        """
        name = path.segments[depth]
        # A link fails with ENOTDIR where O_DIRECTORY was asked for too, with ELOOP otherwise.
        if error.errno not in (errno.ELOOP, errno.ENOTDIR) or not _is_link(name, folder):
            return
        above, below = path.segments[:depth], path.segments[depth + 1 :]
        try:
            target = named_by_link(os.readlink(name, dir_fd=folder), os.path.realpath(self._root), above)
            next_hop = ArtifactPath.of(*target, *below, is_folder=path.is_folder)
        except (ValueError, ImpossiblePath, PathTooLong):
            raise NotFound from error
        raise Moved(next_hop) from error

    def _resolve(self, path: ArtifactPath) -> tuple[ArtifactPath, os.stat_result]:
        """What a listing says of a link: the real path behind it, and its status."""
        root = os.path.realpath(self._root)
        try:
            real = os.path.realpath(os.path.join(root, *path.segments), strict=True)  # noqa: PTH118
            status = os.stat(real)  # noqa: PTH116
            return ArtifactPath.of(*Path(real).relative_to(root).parts), status
        except PermissionError as error:
            raise _Unusable("link to an unreadable place") from error
        except OSError as error:
            if error.errno not in NOTHING_THERE:
                raise
            raise _Unusable("link that leads nowhere") from error
        except (ValueError, ImpossiblePath, PathTooLong) as error:
            raise _Unusable("link out of the tree") from error

    def _entry(self, path: ArtifactPath, folder: int, item: os.DirEntry[str]) -> Entry:
        name = item.name
        if not is_possible_name(name):
            raise _Unusable("impossible name")
        try:
            status = item.stat(follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                is_readable = _is_readable(name, folder, status)
            else:
                real, status = self._resolve(path.child(name))
                is_readable = _is_readable(os.path.join(self._root, *real.segments), folder, status)  # noqa: PTH118
        except FileNotFoundError as error:
            raise _Vanished from error
        except OSError as error:
            raise _Unusable("unreadable") from error
        if not is_readable:
            raise _Unusable("unreadable")
        if stat.S_ISDIR(status.st_mode):
            return Folder(name, status.st_mtime)
        if stat.S_ISREG(status.st_mode):
            return File(name, status.st_size, status.st_mtime, e_tag_of(status), stamp_of(status))
        raise _Unusable("special file")


class _Unusable(Exception):
    """An entry that is there and cannot be served; the text says why."""


class _Vanished(Exception):
    """An entry that was removed while its folder was being listed."""


def _open_regular(name: str, folder: int) -> int:
    # Looked at before it is opened, because opening a device may do something to it; and again after.
    if not _is_regular_or_link(os.stat(name, dir_fd=folder, follow_symlinks=False)):
        raise NotFound
    descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotFound
    return descriptor


def _is_regular_or_link(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _is_readable(name: str, folder: int, status: os.stat_result) -> bool:
    wanted = os.R_OK | os.X_OK if stat.S_ISDIR(status.st_mode) else os.R_OK
    return os.access(name, wanted, dir_fd=folder, effective_ids=True)
