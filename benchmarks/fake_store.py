"""A store with any number of folders, none of which takes memory until it is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from app.domain.entries import File, FileInfo, Folder, Found, Listing
from app.domain.errors import NotFound
from app.domain.paths import ArtifactPath
from app.storage.folder_walk import walk_by_folders
from app.storage.store import FolderWatch, ListNames, ObjectStore, Result, SignedUrl
from benchmarks.tree import file_name

_MODIFIED = 1.5e9
_PREFIX = "folder-"


def folder_name(number: int) -> str:
    """Name of a folder in the root of the store."""
    return f"{_PREFIX}{number:06}"


@dataclass(frozen=True)
class FakeStore:
    """An `ObjectStore` that makes up its listings. It answers at once, since S3 is not what is measured.

    Attributes:
        folders: how many there are in the root.
        files: how many there are in each of them.
    """

    is_one = True

    folders: int
    files: int

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        if not path.segments:
            return Listing(path, tuple(Folder(folder_name(number)) for number in range(self.folders)))
        if not self._has(path):
            raise NotFound
        prefix = path.segments[0]
        entries = (File(name, 0, _MODIFIED, f"{prefix}-{name}") for name in map(file_name, range(self.files)))
        return Listing(path.as_folder, tuple(entries))

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`."""
        return walk_by_folders(path, after, self.list_folder)

    async def head(self, path: ArtifactPath) -> FileInfo:
        """See `ObjectStore.head`. Nothing that is measured asks for a file."""
        raise NotFound

    async def read_small(self, path: ArtifactPath) -> bytes:
        """See `ObjectStore.read_small`. There are no control files."""
        raise NotFound

    def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        raise NotFound

    async def presign(
        self, path: ArtifactPath, *, content_type: str, disposition: str, expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`."""
        return None

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        return ()

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """See `ObjectStore.from_one`."""
        return await use(self)

    def _has(self, path: ArtifactPath) -> bool:
        number = path.name.removeprefix(_PREFIX)
        return len(path.segments) == 1 and number.isdigit() and int(number) < self.folders
