"""Turns the pages of a listing into the entries of one folder. No I/O."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.entries import Entry, File, Folder, Listing
from app.domain.entry_table import EntryTableBuilder
from app.domain.paths import ArtifactPath, is_possible_name
from app.storage.s3.keys import LEGACY_TILDE, KeySpace
from app.storage.s3.list_page import ListPage
from app.storage.store import FirstPage, FolderWatch


class FoundEntries:
    """The entries of one folder from the pages so far.

    Attributes:
        is_empty: whether no key began with the folder's prefix, not even its marker.
        skipped: the names, relative to the folder, of keys to which no path leads.
    """

    def __init__(self, keys: KeySpace, folder: ArtifactPath) -> None:
        self._keys = keys
        self._folder = folder
        self._folder_has_tilde = "~" in folder.text
        self._entries = EntryTableBuilder()
        self._with_tilde: dict[ArtifactPath, Entry] = {}
        self.skipped: list[str] = []
        self.is_empty = True

    def add(self, page: ListPage, folder_key: str) -> None:
        """Add one page of the keys that begin with `folder_key`."""
        for prefix in page.common_prefixes:
            name = prefix.removeprefix(folder_key).removesuffix("/")
            if self._is_plain(name):
                self._entries.add_folder(name)
            elif path := self._path(prefix, folder_key):
                self._with_tilde[path] = Folder(path.name)
        columns = zip(page.keys, page.sizes, page.modified, page.e_tags, strict=True)
        for key, size, modified, e_tag in columns:
            name = key.removeprefix(folder_key)
            if self._is_plain(name):
                self._entries.add_file(
                    name, size, modified, e_tag or None, storage_class=page.classes.get(key)
                )
            elif (path := self._path(key, folder_key)) and self._is_preferred(path, key):
                self._with_tilde[path] = File(
                    path.name, size, modified, e_tag or None, storage_class=page.classes.get(key)
                )
        self.is_empty = self.is_empty and not (page.keys or page.common_prefixes)

    def taker(self, folder_key: str, watch: FolderWatch | None) -> Callable[[ListPage], None]:
        """A function that adds the pages of the keys that begin with `folder_key`, one after the other.

        Args:
            watch: notified of the first page, if there is another.
        """

        def take(page: ListPage) -> None:
            nonlocal watch
            watching, watch = watch, None
            self.add(page, folder_key)
            if watching is not None and page.token is not None and page.last is not None:
                last = page.last.removeprefix(folder_key).encode("utf-8", "surrogateescape")
                watching.began(FirstPage(self._entries.table(), tuple(self.skipped), last))

        return take

    def listing(self) -> Listing:
        """The complete listing."""
        self._entries.extend([*self._with_tilde.values()])
        return Listing(self._folder, self._entries.table(), tuple(self.skipped))

    def _is_plain(self, name: str) -> bool:
        """Whether a name surely has one spelling and a path, as nearly all names do."""
        if self._folder_has_tilde or "~" in name or LEGACY_TILDE in name:
            return False
        return is_possible_name(name)

    def _is_preferred(self, path: ArtifactPath, key: str) -> bool:
        return path not in self._with_tilde or key == self._keys.keys(path)[0]

    def _path(self, key: str, folder_key: str) -> ArtifactPath | None:
        if key == folder_key:  # the folder's own marker
            return None
        path = self._keys.entry_path(self._folder, key, folder_key)
        if path is None:
            self.skipped.append(key.removeprefix(folder_key).removesuffix("/"))
        return path


def opaque(e_tag: str | None) -> str | None:
    """An entity tag without the quotes around it; None where there is none.

    A weak one, as proxies make of those they passed on, does not tell bytes apart (RFC 9110 section 8.8.1): it counts as none.
    """
    text = (e_tag or "").strip()
    return None if text.startswith("W/") else text.strip('"') or None
