"""Whether an engine lists keys in byte order, as Amazon S3 does.

Some list one folder after the other: `a/b` before `a-b`, though `-` comes before `/`. A walk that begins behind a place in the
one order would leave out what comes before it in the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import structlog

from app.domain.entries import Entry
from app.domain.turns import run_aside
from app.storage.s3.list_page import ListPage
from app.storage.s3.parallel_listing import Fetch, ListQuery

_UNKNOWN: Final = "\ufffd"
"""In place of bytes that are not UTF-8, whose order is not known."""
_PROBED_KEYS: Final = 2
"""A file may have the very name that the keys begin with. The next key shows the order."""

_log = structlog.get_logger(__name__)


class KeyOrder:
    """What the listings of one engine have shown of their order.

    Attributes:
        is_bytewise: None until something has shown it.

    Args:
        fetch: makes one call.
    """

    def __init__(self, fetch: Fetch) -> None:
        self.is_bytewise: bool | None = None
        self._fetch = fetch

    def goes_on(self, page: ListPage, behind: str) -> bool:
        """Whether the keys of a page come in byte order, behind another key. If not, the engine has another order."""
        keys = [key for key in (behind, *page.keys) if _UNKNOWN not in key]
        if all(one <= other for one, other in pairwise(keys)):
            return True
        self._note(is_bytewise=False)
        return False

    async def holds_around(self, prefix: str, entries: Sequence[Entry], name: str) -> bool:
        """Whether what comes behind a name in byte order comes behind it in the engine's listings too.

        Costs a call where the names in the folder could come in another order and nothing has shown yet in which they do.

        Args:
            prefix: of the folder's keys.
            entries: of the folder.
            name: perhaps one that is gone.

        Raises:
            StoreError: as `fetch`.
        """
        if self.is_bytewise is not None:
            return self.is_bytewise
        pairs = await run_aside(partial(_disputed, entries, name), entries=len(entries))
        if not pairs:
            return True
        names = await run_aside(lambda: {entry.name for entry in entries}, entries=len(entries))
        for folder, before in pairs:
            if before in names:
                await self._probe(prefix + folder)
                return bool(self.is_bytewise)
        return False

    async def _probe(self, key: str) -> None:
        """Ask which comes first: what is in a folder, or a name that goes on with a character before the slash."""
        page = await self._fetch(ListQuery(key, max_keys=_PROBED_KEYS, is_flat=True))
        first = next((found for found in page.keys if found != key), "")
        self._note(is_bytewise=not first.startswith(f"{key}/"))

    def _note(self, *, is_bytewise: bool) -> None:
        if not is_bytewise and self.is_bytewise is not False:
            _log.warning(
                "keys_not_in_byte_order", effect="a list of a whole subtree takes a call for each folder"
            )
        self.is_bytewise = is_bytewise


def _disputed(entries: Sequence[Entry], name: str) -> list[tuple[str, str]]:
    """The pairs of a folder and a name that comes before its content in byte order only, where `name` is one of both."""
    folders = {entry.name for entry in entries if entry.is_folder}
    pairs = [(name[:end], name) for end in range(1, len(name)) if name[end] < "/" and name[:end] in folders]
    if name in folders:
        longer = (entry.name for entry in entries if entry.name.startswith(name))
        pairs += [(name, other) for other in longer if name < other < f"{name}/"]
    return pairs
