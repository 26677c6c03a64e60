"""The pages of a ListObjectsV2 answer, put together to the entries of one folder. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.entries import Entry, File, Folder, Listing
from app.domain.paths import ArtifactPath
from app.storage.s3_keys import KeySpace

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import ListObjectsV2OutputTypeDef


class FoundEntries:
    """What the pages of one folder's listing have given so far.

    Attributes:
        is_empty: whether no key at all began with the folder's prefix, not even its marker.
        skipped: the names, relative to the folder, of keys to which no path leads.
    """

    def __init__(self, keys: KeySpace, folder: ArtifactPath) -> None:
        self._keys = keys
        self._folder = folder
        self._entries: dict[ArtifactPath, Entry] = {}
        self.skipped: list[str] = []
        self.is_empty = True

    def add(self, page: ListObjectsV2OutputTypeDef, folder_key: str) -> None:
        """Take in one page of the keys that begin with `folder_key`.

        Raises:
            KeyError: an item lacks a field that S3 always gives.
        """
        for common in page.get("CommonPrefixes", ()):
            if path := self._path(common["Prefix"], folder_key):
                self._entries[path] = Folder(path.name)
        for item in page.get("Contents", ()):
            key = item["Key"]
            path = self._path(key, folder_key)
            if path and (path not in self._entries or key == self._keys.keys(path)[0]):
                modified = item["LastModified"].timestamp()
                self._entries[path] = File(path.name, item["Size"], modified, opaque(item["ETag"]))

    def listing(self) -> Listing:
        """All of it."""
        return Listing(self._folder, tuple(self._entries.values()), tuple(self.skipped))

    def _path(self, key: str, folder_key: str) -> ArtifactPath | None:
        self.is_empty = False
        if key == folder_key:  # the folder's own marker
            return None
        path = self._keys.entry_path(self._folder, key, folder_key)
        if path is None:
            self.skipped.append(key.removeprefix(folder_key).removesuffix("/"))
        return path


def opaque(e_tag: str) -> str:
    """An entity tag without the quotes around it."""
    return e_tag.strip('"')
