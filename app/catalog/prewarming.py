"""Reads the top folders before anybody asks for them, so that the first clients of a new server do not wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from app.catalog.catalog import Catalog
from app.domain.entries import Folder
from app.domain.errors import PierheadError
from app.domain.paths import ROOT, ArtifactPath

PREWARM_SECONDS: Final = 60.0
"""Longest time that it takes, however many folders there are, and whatever the storage does."""
_AT_ONCE: Final = 16
"""Folders that are read at a time: clients find places left among the calls to the storage."""

_log = structlog.get_logger(__name__)


class Prewarming:
    """What to read.

    Args:
        wanted: paths of folders, and numbers of levels: 1 is the top folder, 2 those in it as well.
    """

    def __init__(self, wanted: Iterable[str]) -> None:
        numbers = {text for text in wanted if text.isdecimal()}
        self._levels = max(map(int, numbers), default=0)
        self._folders = [ArtifactPath.from_text(text).as_folder for text in wanted if text not in numbers]

    async def run(self, catalog: Catalog, seconds: float = PREWARM_SECONDS) -> None:
        """Read them, as far as the time allows. What cannot be read is left to those who ask for it."""
        if not (self._levels or self._folders):
            return
        started, reading = time.monotonic(), _Reading(catalog)
        try:
            async with asyncio.timeout(seconds):
                await reading.read(self._folders)
                folders: Sequence[ArtifactPath] = [ROOT]
                for _ in range(self._levels):
                    folders = await reading.read(folders)
        except TimeoutError:
            _log.warning("prewarm_took_too_long", seconds=seconds)
        took = round(time.monotonic() - started, 3)
        _log.info("prewarmed", folders=reading.done, failed=reading.failed, seconds=took)


class _Reading:
    """Reads folders, some at a time, and counts them."""

    def __init__(self, catalog: Catalog) -> None:
        self.done = 0
        self.failed = 0
        self._catalog = catalog
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def read(self, folders: Iterable[ArtifactPath]) -> list[ArtifactPath]:
        """Read them. Returns the folders in them."""
        found = await asyncio.gather(*map(self._read_one, folders))
        return [folder for inner in found for folder in inner]

    async def _read_one(self, folder: ArtifactPath) -> list[ArtifactPath]:
        async with self._places:
            try:
                snapshot = await self._catalog.preload(folder)
            except PierheadError as error:
                self.failed += 1
                _log.warning("prewarm_failed", folder=folder.url, reason=str(error))
                return []
        self.done += 1
        return [
            folder.child(entry.name, is_folder=True)
            for entry in snapshot.entries
            if isinstance(entry, Folder)
        ]
