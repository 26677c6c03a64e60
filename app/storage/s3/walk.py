"""Walks through the flat list of keys of a bucket."""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import structlog

from app.domain.entries import Entry, File, Folder, Found, Link, Listing, Skipped, walk_order
from app.domain.errors import Moved, NotFound, StoreUnavailable
from app.domain.paths import ArtifactPath, display_name, is_possible_name
from app.storage.folder_walk import ListFolder, Single, as_page, position_of, walk_by_folders
from app.storage.s3.key_order import KeyOrder
from app.storage.s3.keys import LEGACY_TILDE, MAX_KEY_BYTES, KeySpace
from app.storage.s3.list_page import ListPage
from app.storage.store import ListNames

ListPages = Callable[[str, str], AsyncIterator[ListPage]]
"""Gives the pages of all keys that begin with the first string and come behind the second."""

_TILDE: Final = "~"
_EXAMPLES: Final = 5

_log = structlog.get_logger(__name__)


class _Stored(NamedTuple):
    """The fields of an object in a listing, as `File` takes them."""

    size: int
    modified: float | None
    e_tag: str | None
    stamp: None
    storage_class: str | None


class _Detour(NamedTuple):
    """An entry that is taken from its folder's own listing when its place in the order comes."""

    place: bytes
    folder: ArtifactPath
    entry: Entry

    @property
    def path(self) -> ArtifactPath:
        return self.folder.child(self.entry.name, is_folder=self.entry.is_folder)


class S3Walk:
    """One walk, as `ObjectStore.walk` describes it.

    S3 gives keys in the byte order of their UTF-8 (ListObjectsV2, Amazon S3 API Reference). An engine with another order is walked
    folder by folder. Paths have the same order as keys,
    except for keys in the legacy spelling: `%7E` sorts far before the `~` that it stands for. If
    a folder holds such a key, all names in it that have a `~` are skipped in the flat list and become
    detours.

    Args:
        keys: maps paths to keys.
        list_pages: gives the flat list.
        list_folder: lists one folder, in all its spellings.
        list_names: gives the names in one folder, perhaps from a cache.
        order: what is known of the order of the flat list.
    """

    def __init__(
        self,
        keys: KeySpace,
        list_pages: ListPages,
        list_folder: ListFolder,
        list_names: ListNames,
        order: KeyOrder,
    ) -> None:
        self._keys = keys
        self._order = order
        self._list_pages = list_pages
        self._list_folder = list_folder
        self._list_names = list_names
        self._after = ""
        self._start = b""
        self._detours: list[_Detour] = []
        self._with_detours: set[ArtifactPath] = set()
        self._names: list[str] = []
        """Of the folders that the last key was in, below the one walked, as its key spells them."""
        self._folders: list[ArtifactPath] = []
        """The folder walked, and these."""
        self._passed_over = "\0"
        """Prefixes of keys that are skipped: no path leads to them, or only a detour."""
        self._skipped: list[str] = []
        self._noted: list[Single] = []
        """Entries that a listing for detours could not serve, and that were not reported yet."""

    async def run(self, path: ArtifactPath, after: str) -> AsyncGenerator[Sequence[Found], None]:
        """Walk below a folder, from behind a place.

        Raises:
            StoreUnavailable: `unexpected`: the engine shows that it has another order after some of it went out. The next
                walk takes that into account.
        """
        self._after, self._start = after, position_of(after)
        self._folders = [path]
        pages = await self._flat_pages(path)
        walk = (
            walk_by_folders(path, after, self._list_folder) if pages is None else self._run_flat(path, pages)
        )
        async for page in walk:
            yield page

    async def _flat_pages(self, path: ArtifactPath) -> AsyncIterator[ListPage] | None:
        """The pages of the flat list; None where folders must be listed one by one."""
        spellings = self._keys.keys(path)
        is_flat = len(spellings) == 1 and self._order.is_bytewise is not False
        if not is_flat or not await self._prepare_start(path):
            return None
        pages = self._list_pages(spellings[0], self._start_after())
        first = await anext(pages)
        return self._in_order(first, pages) if self._order.goes_on(first, "") else None

    async def _in_order(self, first: ListPage, pages: AsyncIterator[ListPage]) -> AsyncIterator[ListPage]:
        page = first
        yield page
        async for following in pages:
            if not self._order.goes_on(following, page.keys[-1] if page.keys else ""):
                raise StoreUnavailable("unexpected")
            page = following
            yield page

    async def _run_flat(
        self, path: ArtifactPath, pages: AsyncIterator[ListPage]
    ) -> AsyncGenerator[Sequence[Found], None]:
        (folder_key,) = self._keys.keys(path)
        async for listed in pages:
            singles: list[Single] = []
            e_tags = (e_tag or None for e_tag in listed.e_tags)
            classes = map(listed.classes.get, listed.keys)
            stored = map(_Stored, listed.sizes, listed.modified, e_tags, repeat(None), classes)
            for key, each in zip(listed.keys, stored, strict=True):
                for shown in await self._read(key, each, folder_key):
                    if self._detours and self._detours[0].place < _place(shown):
                        yield as_page(singles)
                        singles = []
                        async for detour in self._run_detours(_place(shown)):
                            yield detour
                    singles.append(shown)
                singles += self._noted
                self._noted.clear()
            yield as_page(singles)
        async for detour in self._run_detours(None):
            yield detour
        if self._skipped:
            examples = [display_name(name) for name in self._skipped[:_EXAMPLES]]
            _log.warning("keys_skipped", folder=path.url, count=len(self._skipped), examples=examples)

    def _start_after(self) -> str:
        """The key behind which to begin, as far as S3 can hold it; empty for the first."""
        whole = position_of(self._keys.prefix) + self._start
        key = whole[:MAX_KEY_BYTES]
        try:
            return key.decode("utf-8") if self._start else ""
        except UnicodeDecodeError as error:
            return key[: error.start].decode("utf-8")

    async def _read(self, key: str, stored: _Stored, folder_key: str) -> list[Single]:
        """The entries that one more key shows: the folders that it is the first in, and its file."""
        if key.startswith(self._passed_over):
            return []
        *folders, last = key.removeprefix(folder_key).split("/")
        depth = _common(folders, self._names)
        del self._names[depth:], self._folders[depth + 1 :]
        shown: list[Single] = []
        for name in folders[depth:]:
            here = self._folders[-1]
            entry = await self._entry(here, name, None, folder_key)
            if entry is None or isinstance(entry, Skipped):
                return [*shown, *self._new(here, entry)]
            shown += self._new(here, entry)
            self._names.append(name)
            self._folders.append(here.child(entry.name, is_folder=True))
        if last:
            here = self._folders[-1]
            shown += self._new(here, await self._entry(here, last, stored, folder_key))
        return shown

    async def _entry(
        self, folder: ArtifactPath, name: str, stored: _Stored | None, folder_key: str
    ) -> Entry | Skipped | None:
        """What a part of a key names: a folder where nothing is stored under it; None for what comes by a detour.

        From here on keys that begin like this one are passed over where no path leads to them.
        """
        slash = "/" if stored is None else ""
        if LEGACY_TILDE in name and folder not in self._with_detours:
            await self._make_detours(folder, behind=position_of(folder.text + name))
        if folder in self._with_detours and (LEGACY_TILDE in name or _TILDE in name):
            self._pass_over(folder_key, name + slash)
            return None
        if not is_possible_name(name):
            self._pass_over(folder_key, name + slash)
            self._skipped.append(name)
            return Skipped(name)
        return Folder(name) if stored is None else File(name, *stored)

    def _pass_over(self, folder_key: str, name: str) -> None:
        if name.endswith("/"):
            self._passed_over = folder_key + "".join(f"{above}/" for above in self._names) + name

    def _new(self, folder: ArtifactPath, entry: Entry | Skipped | None) -> list[Single]:
        if entry is None:
            return []
        shown = Single(folder, entry)
        return [shown] if not self._start or _place(shown) > self._start else []

    async def _prepare_start(self, path: ArtifactPath) -> bool:
        """List the folders above the starting place: their legacy keys may sort before it.

        Returns:
            Whether the flat list can begin behind that place.
        """
        if not self._after or not self._after.startswith(path.text):
            return True
        folder = path
        for name in self._after.removeprefix(path.text).split("/"):
            try:
                names = await self._list_names(folder)
            except (NotFound, Moved):
                return True
            if not await self._order.holds_around(self._keys.keys(folder)[0], names, name):
                return False
            self._add_detours(folder, names, behind=self._start)
            if not is_possible_name(name) or _TILDE in name:
                return True
            folder = folder.child(name, is_folder=True)
        return True

    async def _make_detours(self, folder: ArtifactPath, *, behind: bytes) -> None:
        try:
            listing = await self._list_folder(folder)
        except NotFound:  # gone by now
            listing = Listing(folder, ())
        self._noted += [Single(folder, Skipped(name)) for name in listing.skipped if _TILDE in name]
        self._add_detours(folder, listing.entries, behind=behind)

    def _add_detours(self, folder: ArtifactPath, entries: Sequence[Entry], *, behind: bytes) -> None:
        self._with_detours.add(folder)
        for entry in entries:
            place = position_of(folder.text) + walk_order(entry)
            if _TILDE in entry.name and (place > behind or self._start.startswith(place)):
                heapq.heappush(self._detours, _Detour(place, folder, entry))

    async def _run_detours(self, before: bytes | None) -> AsyncGenerator[Sequence[Found], None]:
        """The entries of detours that come before a place; all of them without one."""
        while self._detours and (before is None or self._detours[0].place < before):
            detour = heapq.heappop(self._detours)
            yield as_page(self._new(detour.folder, detour.entry))
            if detour.entry.is_folder:
                async for page in walk_by_folders(detour.path, self._after, self._list_folder):
                    yield page


def _place(shown: Single) -> bytes:
    if isinstance(shown.entry, Skipped | Link):
        return position_of(shown.folder.text + shown.entry.name)
    return position_of(shown.folder.text) + walk_order(shown.entry)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many names two paths have in common."""
    depth = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        depth += 1
    return depth
