"""The first entries of large folders, for clients that want a part now rather than everything later.

The control files of a folder are listed among its entries, some of them long after the first page.
No entry is shown before its rules are known: control files with fixed names are read by name, and a file whose own
licence may still follow is not shown yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from app.domain.entries import Entry
from app.domain.errors import PierheadError
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import BUILD_INFO, LINK_FILE
from app.policy.eula import EULA, OPEN_EULA, is_like_eula
from app.storage.store import FirstPage

if TYPE_CHECKING:
    from app.catalog.snapshot import Snapshot

_FIXED_NAMES: Final = (LINK_FILE, BUILD_INFO, EULA, OPEN_EULA)
_OF_ALL_FILES: Final = frozenset({BUILD_INFO, EULA, OPEN_EULA})
"""Where one of these exists, licence files of single files do not count."""
_LAST_LICENCE: Final = b".EULA.txt/"
"""Behind a file's name, this comes after all names of its licence files, whatever their themes."""


def unseen_control_names(first_page: FirstPage) -> tuple[str, ...]:
    """The control files of fixed names that may be in the rest of the folder."""
    return tuple(name for name in _FIXED_NAMES if name.encode("ascii") > first_page.last)


def certain_entries(
    first_page: FirstPage, control_names: Sequence[str], *, default_public: bool
) -> Iterator[Entry]:
    """The entries whose rules are known by what has been seen of the folder.

    Args:
        control_names: of all control files of fixed names in the folder, and of those in the beginning.
        default_public: whether a file that nothing governs is public. Otherwise the presence of an EULA file of
            another file, which may still come, opens it.
    """
    is_governed = not _OF_ALL_FILES.isdisjoint(control_names)
    is_open = default_public or any(map(is_like_eula, control_names))
    for entry in first_page.entries:
        raw = entry.name.encode("utf-8", "surrogateescape")
        if entry.is_folder or is_governed or (is_open and raw + _LAST_LICENCE <= first_page.last):
            yield entry


class FirstPages:
    """Hands the first entries of folders from the task that reads them to the tasks that wait for them."""

    def __init__(self) -> None:
        self._waiting: dict[ArtifactPath, set[asyncio.Future[Snapshot]]] = {}
        self._published: dict[ArtifactPath, Snapshot] = {}

    @contextmanager
    def awaited(self, path: ArtifactPath) -> Iterator[asyncio.Future[Snapshot]]:
        """The first entries of a folder, as soon as there are some. For a small folder this never returns."""
        future: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        if (known := self._published.get(path)) is not None:
            future.set_result(known)
        waiting = self._waiting.setdefault(path, set())
        waiting.add(future)
        try:
            yield future
        finally:
            future.cancel()
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(path, None)

    def is_awaited(self, path: ArtifactPath) -> bool:
        """Whether a task waits for it."""
        return path in self._waiting

    def publish(self, path: ArtifactPath, first_page: Snapshot) -> None:
        """Give it to all who wait, and to those who come before it is withdrawn."""
        self._published[path] = first_page
        for future in self._waiting.get(path, ()):
            if not future.done():
                future.set_result(first_page)

    def withdraw(self, path: ArtifactPath) -> None:
        """Give it to no more tasks: the complete folder is there."""
        self._published.pop(path, None)


class FirstPageWatch:
    """Reads and publishes one folder's beginning, if anybody waits for it. A `FolderWatch`.

    Args:
        beginnings: takes it.
        path: the folder.
        read: makes a snapshot of the first entries; None if they must not be shown.
    """

    def __init__(
        self,
        first_pages: FirstPages,
        path: ArtifactPath,
        read: Callable[[FirstPage], Awaitable[Snapshot | None]],
    ) -> None:
        self._first_pages = first_pages
        self._path = path
        self._read = read
        self._reading: asyncio.Task[None] | None = None

    def began(self, first_page: FirstPage) -> None:
        """See `FolderWatch.began`."""
        if self._first_pages.is_awaited(self._path):
            self._reading = asyncio.create_task(self._publish(first_page))

    async def aclose(self) -> None:
        """Stop: the complete folder was read, or cannot be read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._first_pages.withdraw(self._path)

    async def _publish(self, first_page: FirstPage) -> None:
        # If its rules cannot be read, the task that reads the complete folder reports it.
        with suppress(PierheadError):
            snapshot = await self._read(first_page)
            if snapshot is not None:
                self._first_pages.publish(self._path, snapshot)
