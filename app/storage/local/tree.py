"""A directory tree. No symbolic link is ever followed while opening. Blocking calls only."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from app.domain.entries import Listing
from app.domain.errors import ImpossiblePath, Moved, NotFound, PathTooLong, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.local.errors import NOTHING_THERE, os_errors_translated
from app.storage.local.file import LocalFile
from app.storage.local.link_text import named_by_link
from app.storage.local.scan import FolderScan, Target, Unusable, Way, may_read
from app.storage.local.spelling import check_spelling

_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER_FLAGS = _ROOT_FLAGS | os.O_NOFOLLOW
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""O_NONBLOCK: opening a FIFO that nobody writes to returns at once; it means nothing for a regular file."""
_MAX_HOPS: Final = 40
"""Longest chain of links that is listed, as Linux follows (path_resolution(7))."""


class LocalTree:
    """The directory below `root`, seen through `ArtifactPath`s.

    Every segment is opened relative to the descriptor of the one before it (openat(2) with O_NOFOLLOW), so
    that replacing a directory by a link during a walk gains an attacker nothing.

    Args:
        root: the directory to serve. It may itself be reached through links.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def check(self) -> None:
        """Check that the root is a directory that can be read and searched.

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

    def scan(self, path: ArtifactPath) -> tuple[Listing, dict[str, str]]:
        """Everything directly in one folder.

        Returns:
            The listing, and the names that had to be left out, each with the reason.

        Raises:
            NotFound, Moved, StoreDenied, StoreUnavailable: see `ObjectStore.list_folder`.
        """
        with os_errors_translated():
            folder = self._open_folder(path.segments, path)
            try:
                scan = FolderScan(folder, lambda name: self._way(path.child(name)))
                return scan.listing(path), scan.skipped
            finally:
                os.close(folder)

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
        """Raise Moved if the segment at `depth` of `path` could not be opened in `folder` because it is a link."""
        # A link fails with ENOTDIR if O_DIRECTORY was set too, with ELOOP otherwise.
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(path.segments[depth], folder):
            raise Moved(self._named_by(path, depth, folder)) from error

    def _named_by(self, path: ArtifactPath, depth: int, folder: int) -> ArtifactPath:
        """The path that a link names: the segment at `depth` of `path`, in `folder`.

        Only its own text is read. The target may be private, absent, or a link again: the caller judges each.

        Raises:
            NotFound: none of the tree.
        """
        above, below = path.segments[:depth], path.segments[depth + 1 :]
        try:
            text = os.readlink(path.segments[depth], dir_fd=folder)
            target = named_by_link(text, os.path.realpath(self._root), above)
            return ArtifactPath.of(*target, *below, is_folder=path.is_folder)
        except (ValueError, ImpossiblePath, PathTooLong):
            raise NotFound from None

    def _way(self, link: ArtifactPath) -> Way:
        """Every hop from a link to what it leads to.

        Raises:
            Unusable, OSError: it leads to nothing that could be served.
        """
        links: list[ArtifactPath] = []
        at = link
        try:
            while len(links) <= _MAX_HOPS:
                found = self._look(at)
                if isinstance(found, Target):
                    is_folder = stat.S_ISDIR(found.status.st_mode)
                    hops = (*links[1:], at)
                    return Way(tuple(ArtifactPath(hop.segments, is_folder) for hop in hops), found)
                links.append(found.link)
                at = found.target
        except NotFound:
            raise Unusable("link out of the tree") from None
        except OSError as error:
            if error.errno not in NOTHING_THERE:
                raise
            raise Unusable("link that leads nowhere") from error
        raise Unusable("link that leads nowhere")

    def _look(self, path: ArtifactPath) -> Target | _LinkMet:
        """What is at a path; or the first link on the way there."""
        folder = self._open_root()
        try:
            status, is_readable = os.fstat(folder), True
            for depth, name in enumerate(path.segments):
                check_spelling(name, folder)
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    link = ArtifactPath(path.segments[: depth + 1], False)
                    return _LinkMet(link, self._named_by(path, depth, folder))
                if depth < len(path.segments) - 1:
                    inner = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
                    os.close(folder)
                    folder = inner
                else:
                    is_readable = may_read(name, folder, status)
            return Target(status, is_readable)
        finally:
            os.close(folder)


class _LinkMet(NamedTuple):
    """A link on the way to a path, and the path that it makes of it."""

    link: ArtifactPath
    target: ArtifactPath


def _open_regular(name: str, folder: int) -> int:
    # Checked before it is opened, because opening a device may have effects; and again after.
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
