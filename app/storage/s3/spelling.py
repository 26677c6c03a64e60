"""Only the exact spelling of a key counts, whatever the engine takes for the same.

An object of Amazon S3 has one key. Engines that keep objects in a file system may answer to several: `LIC/fw.img` or
`lic\\fw.img` for `lic/fw.img`, a composed character for a decomposed one. Rules are written for one spelling, and would not hold
for the others. A listing shows the exact spelling, so a listing with the key as its prefix confirms it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cachetools import TTLCache

from app.storage.s3.list_page import ListPage, empty_page
from app.storage.s3.parallel_listing import Fetch, ListQuery

FEW_KEYS: Final = 16
"""Enough to meet a folder's own entry: only names that go on with a character before `/` come between."""
KEPT_SECONDS: Final = 300.0
"""How long a folder whose entry was seen needs no other look."""
KEPT_FOLDERS: Final = 4096
"""Some 300 bytes each."""

_NOTHING: Final = empty_page()


class Spelling:
    """Confirms the spelling of keys, and lists no folder that exists only under another spelling.

    A folder is confirmed by its entry in the folder above, and so is each folder above it: some engines repeat in a
    listing the prefix as it was requested.

    Args:
        root: prefix of all keys of the tree, as the operator spelled it.
        fetch: makes one ListObjectsV2 call.
        clock: seconds; never goes back.
    """

    def __init__(self, root: str, fetch: Fetch, *, clock: Callable[[], float]) -> None:
        self._root = root
        self._fetch = fetch
        self._seen: TTLCache[str, None] = TTLCache(KEPT_FOLDERS, KEPT_SECONDS, timer=clock)

    async def is_exact(self, key: str) -> bool:
        """Whether an object exists under exactly this key. If it does not, that costs one call.

        Raises:
            StoreUnavailable, StoreDenied: the listing fails.
        """
        *folders, last = self._entries_of(key)
        return await self._is_entry(last) and await self._are_entries(folders)

    async def fetch(self, query: ListQuery) -> ListPage:
        """One page. Empty if the folder that the listing begins with is spelled otherwise.

        Raises:
            StoreUnavailable, StoreDenied, NotFound: as the call itself.
        """
        if not query.begins_a_listing:
            return await self._page(query)
        # Side by side: one after the other, a folder that nobody has asked for would take two round trips.
        page, is_exact = await asyncio.gather(
            self._page(query), self._are_entries([*self._entries_of(query.prefix)]), return_exceptions=True
        )
        if isinstance(page, BaseException):
            raise page
        if page.first is None:
            return page
        if isinstance(is_exact, BaseException):
            raise is_exact
        if not is_exact:
            return _NOTHING
        for folder in page.common_prefixes:
            self._seen[folder] = None
        return page

    async def _page(self, query: ListQuery) -> ListPage:
        return _within(await self._fetch(query), query.prefix)

    def _entries_of(self, key: str) -> Iterator[str]:
        """A key and the folders above it, from the top down, each as the folder above lists it."""
        end = len(self._root)
        while (slash := key.find("/", end)) >= 0:
            end = slash + 1
            yield key[:end]
        if end < len(key):
            yield key

    async def _are_entries(self, keys: list[str]) -> bool:
        return all(await asyncio.gather(*map(self._is_entry, keys)))

    async def _is_entry(self, key: str) -> bool:
        """Whether the folder above lists this key, or this common prefix."""
        if key in self._seen:
            return True
        query = ListQuery(key.removesuffix("/"), max_keys=FEW_KEYS)
        while True:
            page = await self._fetch(query)
            if key in page.keys or key in page.common_prefixes:
                break
            if page.token is None or (page.last is not None and page.last > key):
                return False
            query = ListQuery(query.prefix, token=page.token)
        if key.endswith("/"):
            self._seen[key] = None
        return True


def _within(page: ListPage, prefix: str) -> ListPage:
    """The part of a page that begins with exactly this prefix: an engine may match other spellings too."""
    if all(key.startswith(prefix) for column in (page.keys, page.common_prefixes) for key in column):
        return page
    return page.part(_inside(page.keys, prefix), _inside(page.common_prefixes, prefix))


def _inside(keys: Sequence[str], prefix: str) -> list[int]:
    return [place for place, key in enumerate(keys) if key.startswith(prefix)]
