"""A site of a million files that are made up as they are listed, and a server over it for a process of its own."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import uvicorn

from app.cli.serve import server_options
from app.domain.entries import Entry, File, FileInfo, Folder, Found, Listing
from app.domain.errors import NotFound
from app.domain.paths import ArtifactPath
from app.storage.folder_walk import walk_by_folders
from app.storage.store import FolderWatch, ListNames, ObjectStore, Result, SignedUrl
from app.telemetry.logs import configure_logging
from tests.support.live_server import app_over, settings_for

GROUPS, FOLDERS, FILES = 100, 100, 100
"""Folders of the root, folders in each of them, and files in each of those."""


def folder_path(group: int, folder: int) -> str:
    """URL path of a folder that has files."""
    return f"/group-{group:03}/folder-{folder:03}/"


class SyntheticStore:
    """An `ObjectStore` in which each listing has strings of its own, as one that was parsed has.

    Args:
        groups: folders of the root.
    """

    is_one = True
    has_first_pages = False

    def __init__(self, groups: int = GROUPS) -> None:
        self._groups = groups

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        entries: tuple[Entry, ...]
        match path.segments:
            case ():
                entries = tuple(Folder(f"group-{number:03}") for number in range(self._groups))
            case (_,):
                entries = tuple(Folder(f"folder-{number:03}") for number in range(FOLDERS))
            case (group, folder):
                entries = tuple(_file(group, folder, number) for number in range(FILES))
            case _:
                raise NotFound
        return Listing(path, entries)

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`."""
        return walk_by_folders(path, after, self.list_folder)

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`: there is nothing but listings."""
        raise NotFound

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        raise NotFound

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        raise NotFound
        yield  # type: ignore[unreachable]

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`."""
        return None

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        return ()

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """See `ObjectStore.from_one`."""
        return await use(self)


def _file(group: str, folder: str, number: int) -> File:
    e_tag = hashlib.md5(f"{group}/{folder}/{number}".encode(), usedforsecurity=False).hexdigest()
    size = int(e_tag[:6], 16)
    return File(f"artifact-{e_tag[:12]}-{number:05}-arm64.tar.gz", size, 1.6e9 + size, e_tag)


def main() -> None:
    """Serve it on a port of the loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("cache_bytes", type=int)
    parser.add_argument("--groups", type=int, default=GROUPS)
    parser.add_argument("--log-level", default="warning")
    options = parser.parse_args()
    configure_logging(options.log_level, "json")
    app = app_over(
        SyntheticStore(options.groups),
        cache_bytes=options.cache_bytes,
        cache_ttl=3600,
        cache_grace=3600,
        cache_max_stale=7200,
        log_level=options.log_level,
    )
    # The application is wired already, so its lifespan has nothing to do.
    served = server_options(settings_for()) | {"host": "127.0.0.1", "port": options.port, "lifespan": "off"}
    uvicorn.run(app, **served)


if __name__ == "__main__":
    main()
