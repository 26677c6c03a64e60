"""Adds the name of a store to its listings and heads, so that each can be traced to one of several stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from app.domain.entries import FileInfo, Found, Listing
from app.domain.paths import ArtifactPath
from app.storage.store import FolderWatch, ListNames, ObjectStore, Result, SignedUrl


class OriginTagging:
    """An `ObjectStore` whose listings and heads carry its name as their origin.

    Args:
        name: short and unique among the stores of the site.
        store: with this name.
    """

    has_first_pages = False

    def __init__(self, name: str, store: ObjectStore) -> None:
        self.name = name
        self.is_one = store.is_one
        self._store = store

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        del watch  # several stores would report different first pages
        return (await self._store.list_folder(path))._replace(origin=self.name)

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`."""
        return self._store.walk(path, after, list_names)

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        return (await self._store.head(path, is_listed=is_listed))._replace(origin=self.name)

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        return await self._store.read_small(path, is_listed=is_listed)

    def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        return self._store.open_range(path, info, first, length)

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`."""
        return await self._store.presign(path, fields=fields, expires=expires, origin=origin)

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        return await self._store.check()

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """See `ObjectStore.from_one`."""
        return await use(self)
