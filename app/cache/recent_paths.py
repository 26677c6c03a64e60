"""Paths that were found absent a moment ago."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from app.domain.paths import ArtifactPath

MAX_PATHS: Final = 10_000


class RecentPaths:
    """Remembers paths for a moment, the last `MAX_PATHS` of them.

    Only a digest of each is kept: clients choose how long missing names are, and
    must not fill the memory with them.

    Args:
        seconds: how long a path is remembered.
        clock: seconds; never goes back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seen: TTLCache[bytes, None] = TTLCache(MAX_PATHS, seconds, timer=clock)

    def __contains__(self, path: ArtifactPath) -> bool:
        return _digest(path) in self._seen

    def add(self, path: ArtifactPath) -> None:
        """Remember a path from now on."""
        self._seen[_digest(path)] = None

    def discard(self, path: ArtifactPath) -> None:
        """Forget a path, if it is remembered."""
        self._seen.pop(_digest(path), None)


def _digest(path: ArtifactPath) -> bytes:
    return hashlib.blake2b(path.to_bytes(), digest_size=16).digest()
