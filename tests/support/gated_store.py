"""A store in memory whose answers wait until a test lets them go on."""

from __future__ import annotations

import asyncio
from functools import partial

from app.domain.entries import FileInfo, Listing
from app.domain.errors import PierheadError
from app.domain.paths import ArtifactPath
from app.storage.store import FolderWatch, QuickRead
from tests.support.memory_store import MemoryStore
from tests.support.oracle import S3


class GatedStore(MemoryStore):
    """A `MemoryStore` that can make some operations wait before they look at anything."""

    def __init__(self) -> None:
        super().__init__(presign_base=S3)
        self._held: frozenset[str] = frozenset()
        self._opened = asyncio.Event()

    def hold(self, *operations: str) -> None:
        """Let these operations wait from now on: `list`, `head`."""
        self._held = frozenset(operations)
        self._opened.clear()

    def release(self) -> None:
        """Let all go on."""
        self._held = frozenset()
        self._opened.set()

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        await self._pass("list")
        return await super().list_folder(path, watch)

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        await self._pass("head")
        return await super().head(path, is_listed=is_listed)

    async def _pass(self, operation: str) -> None:
        while operation in self._held:
            await self._opened.wait()


class QuickStore(GatedStore):
    """One that may also be read at once, as a directory may."""

    def quick_reader(self, path: ArtifactPath, info: FileInfo) -> QuickRead:
        """See `QuickReads.quick_reader`."""
        return partial(self._read_now, path, info)

    def _read_now(self, path: ArtifactPath, info: FileInfo) -> bytes | None:
        if self._held:
            return None
        try:
            self._fail_if_told("head", path.text)
            self._fail_if_told("get", path.text)
            found = self._tree.find(path)
        except PierheadError:
            return None
        return found.content if found.info.e_tag == info.e_tag else None
