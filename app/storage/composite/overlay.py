"""A store whose files lie over those of another, such as a local directory over a bucket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from app.domain.entries import FileInfo, Found, Listing
from app.domain.errors import NotFound
from app.domain.paths import ArtifactPath
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.folder_walk import by_names, walk_by_folders
from app.storage.store import FolderWatch, ListNames, ObjectStore, Result, SignedUrl


class OverlayStore:
    """An `ObjectStore` over two: folders are merged, and of two files with one name the upper one is served.

    Control files are files like others, so a folder's rules come from both: an upper folder adds rules
    and replaces those of the same name, but one without rules opens nothing that the lower one protects. If
    either store fails, the call fails, because its answer is needed.

    Args:
        upper: its files win.
        lower: its other files are served.
    """

    is_one = False
    has_first_pages = False

    def __init__(self, upper: OriginTagging, lower: ObjectStore) -> None:
        self._upper = upper
        self._lower = lower

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`. A folder that is a link in either store is one."""
        del watch  # entries of the upper store govern those of the lower one
        upper = await _or_none(self._upper, path)
        lower = await _or_none(self._lower, path)
        if upper is None or lower is None:
            if (only := upper or lower) is None:
                raise NotFound
            return only
        return _merged(upper, lower)

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`. Folder by folder, as folders are merged."""
        return walk_by_folders(path, after, by_names(list_names))

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        try:
            return await self._upper.head(path)  # perhaps only the lower store has listed the name
        except NotFound:
            return await self._lower.head(path, is_listed=is_listed)

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        try:
            return await self._upper.read_small(path)
        except NotFound:
            return await self._lower.read_small(path, is_listed=is_listed)

    def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        store = self._upper if info.origin == self._upper.name else self._lower
        return store.open_range(path, info, first, length)

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`."""
        store = self._upper if origin == self._upper.name else self._lower
        return await store.presign(path, fields=fields, expires=expires, origin=origin)

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`. Both are needed."""
        return (*await self._upper.check(), *await self._lower.check())

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """See `ObjectStore.from_one`. Both layers are one store: either alone would lack rules of the other."""
        return await self._lower.from_one(lambda lower: use(OverlayStore(self._upper, lower)))


async def _or_none(store: ObjectStore, path: ArtifactPath) -> Listing | None:
    try:
        return await store.list_folder(path)
    except NotFound:
        return None


def _merged(upper: Listing, lower: Listing) -> Listing:
    """Merge two listings. A name that the upper one cannot serve still hides the lower file of that name."""
    broken = frozenset(upper.skipped)
    upper_files = frozenset(entry.name for entry in upper.entries if not entry.is_folder)
    entries = {
        (entry.name, entry.is_folder): entry
        for entry in lower.entries
        if entry.is_folder or entry.name not in broken
    }
    entries |= {(entry.name, entry.is_folder): entry for entry in upper.entries}
    skipped = (*upper.skipped, *(name for name in lower.skipped if name not in upper_files))
    links = (*(link for link in lower.links if link.name not in upper_files), *upper.links)
    return Listing(upper.path, tuple(entries.values()), skipped, lower.origin, links)
