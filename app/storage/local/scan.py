"""Everything directly in one folder. Its files are looked at together: one by one would take twice as long."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from app.domain.entries import Entry, Folder, Link, Listing
from app.domain.paths import ArtifactPath, impossible_names
from app.storage.local.file import files_of

_NAMES_AT_ONCE: Final = 250
"""So many are looked at together. It bounds the memory, and how long other threads wait."""

_Kind = tuple[int, int, int]
_kind_of: Callable[[os.stat_result], _Kind] = itemgetter(stat.ST_MODE, stat.ST_UID, stat.ST_GID)


class Target(NamedTuple):
    """What a path has that leads through no link."""

    status: os.stat_result
    is_readable: bool


class Way(NamedTuple):
    """The target of a link: `Link.hops`, and what exists there."""

    hops: tuple[ArtifactPath, ...]
    target: Target


class Unusable(Exception):
    """An entry that exists and cannot be served; the text says why."""


class FolderScan:
    """What is in a folder.

    Args:
        folder: descriptor of the directory.
        way: from the link of a name to what it leads to. Raises Unusable or OSError if nothing there could be served.

    Attributes:
        skipped: the names that have to be left out, each with the reason.

    Raises:
        OSError: the directory cannot be read.
    """

    def __init__(self, folder: int, way: Callable[[str], Way]) -> None:
        self._folder = folder
        self._way = way
        self._entries: list[Entry] = []
        self._links: list[Link] = []
        # Modes, owners and groups of files that may be read: the system is asked once about each. It may have
        # more to go by (access control lists). Then a file is listed that cannot be had.
        self._usual: set[_Kind] = set()
        listed = os.listdir(folder)
        self.skipped = dict.fromkeys(impossible_names(listed), "impossible name")
        names = [name for name in listed if name not in self.skipped] if self.skipped else listed
        for first in range(0, len(names), _NAMES_AT_ONCE):
            self._add(*self._looked_at(names[first : first + _NAMES_AT_ONCE]))

    def listing(self, path: ArtifactPath) -> Listing:
        """All of it.

        Args:
            path: of the folder.
        """
        return Listing(path, tuple(self._entries), tuple(self.skipped), links=tuple(self._links))

    def _looked_at(self, names: Sequence[str]) -> tuple[Sequence[str], Sequence[os.stat_result]]:
        """The names that are still there, and their statuses."""
        folder = self._folder
        try:
            return names, [os.stat(name, dir_fd=folder, follow_symlinks=False) for name in names]
        except OSError:
            found = {}
            for name in names:
                try:
                    found[name] = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # removed while its folder was being listed
                except OSError:
                    self.skipped[name] = "unreadable"
            return [*found], [*found.values()]

    def _add(self, names: Sequence[str], statuses: Sequence[os.stat_result]) -> None:
        kinds = {*map(_kind_of, statuses)}
        for kind in kinds - self._usual:
            if stat.S_ISREG(kind[0]) and self._may_read_first(kind, names, statuses):
                self._usual.add(kind)
        if kinds <= self._usual:
            self._entries += files_of(names, statuses)
            return
        usual: list[tuple[str, os.stat_result]] = []
        for name, status in zip(names, statuses, strict=True):
            if _kind_of(status) in self._usual:
                usual.append((name, status))
            else:
                self._add_unusual(name, status)
        if usual:
            self._entries += files_of(*zip(*usual, strict=True))

    def _may_read_first(self, kind: _Kind, names: Sequence[str], statuses: Sequence[os.stat_result]) -> bool:
        """Whether the first file of a kind may be read."""
        first = [*map(_kind_of, statuses)].index(kind)
        return may_read(names[first], self._folder, statuses[first])

    def _add_unusual(self, name: str, status: os.stat_result) -> None:
        try:
            if stat.S_ISLNK(status.st_mode):
                hops, target = self._way(name)
                self._entries.append(_entry(name, target))
                self._links.append(Link(name, hops))
            else:
                target = Target(status, may_read(name, self._folder, status))
                self._entries.append(_entry(name, target))
        except FileNotFoundError:
            return  # removed in the meantime
        except Unusable as reason:
            self.skipped[name] = str(reason)
        except OSError:
            self.skipped[name] = "unreadable"


def may_read(name: str, folder: int, status: os.stat_result) -> bool:
    """Whether the system lets this process read a file, or list and search a directory.

    Args:
        name: of it, no link.
        folder: descriptor of the directory that it is in.
    """
    wanted = os.R_OK | os.X_OK if stat.S_ISDIR(status.st_mode) else os.R_OK
    return os.access(name, wanted, dir_fd=folder, effective_ids=True)


def _entry(name: str, target: Target) -> Entry:
    """What is listed of an item of a folder that has no link, or that leads to something."""
    status = target.status
    if not target.is_readable:
        raise Unusable("unreadable")
    if stat.S_ISREG(status.st_mode):
        (file,) = files_of((name,), (status,))
        return file
    if stat.S_ISDIR(status.st_mode):
        return Folder(name, status.st_mtime)
    raise Unusable("special file")
