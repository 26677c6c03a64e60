"""Calls to the store whose answer is not used, so that a denial takes as long as the 404 that it looks like."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from app.cache.recent_paths import RecentPaths
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.storage.store import ObjectStore


class InVain:
    """Asks for names that do not exist, in place of paths that exist and must seem absent.

    The private path itself is never asked for: the time that takes would depend on it. As an absent path is not asked
    for again for a moment, neither is anything here.

    Args:
        store: is asked about files that nobody has.
        list_folder: lists a folder, as for a requested one.
        seconds: how long the absence of a path is remembered.
        clock: seconds; never goes back.
    """

    def __init__(
        self,
        store: ObjectStore,
        list_folder: Callable[[ArtifactPath], Awaitable[Any]],
        *,
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._list_folder = list_folder
        self._asked = RecentPaths(seconds, clock)

    async def look_for(self, path: ArtifactPath) -> None:
        """Make the calls that an absent path costs: a listing for a folder, a head and a listing for a file.

        Raises:
            StoreError: the store does not answer, as it would not for an absent path.
        """
        if path in self._asked:
            return
        nobody_has = path.parent.child(secrets.token_hex(16), is_folder=path.is_folder)
        if not path.is_folder:
            with suppress(NotFound, Moved):
                await self._store.head(nobody_has)
        with suppress(NotFound, Moved):
            await self._list_folder(nobody_has.as_folder)
        self._asked.add(path)
