"""Folders that stand for others: where a link file leads, and what that may tell to whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from app.catalog.snapshot_loader import Snapshot
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath

LINK_NAMES: Final = frozenset({"latest", "lastSuccessful"})
"""Names of folders that may be links although nothing but a link file is in them."""
MAX_LINK_HOPS: Final = 8


class Links:
    """Follows link files.

    Args:
        load: gives a folder's snapshot; raises NotFound where there is none, and Moved where the store
            itself knows a link.
    """

    def __init__(self, load: Callable[[ArtifactPath], Awaitable[Snapshot]]) -> None:
        self._load = load

    async def end_of(self, target: ArtifactPath) -> ArtifactPath:
        """Follow links until a folder that is none, so that a client needs one redirect.

        Raises:
            NotFound: the target does not exist, or the links go in circles.
            StoreError: a folder on the way cannot be read.
        """
        for _ in range(MAX_LINK_HOPS):
            try:
                link = (await self._load(target)).link
            except Moved as moved:
                link = moved.target
            if link is None:
                return target
            target = link
        raise NotFound

    async def real_path_below(self, path: ArtifactPath) -> ArtifactPath | None:
        """For a folder that does not exist: where it really is, if a folder above it is a link.

        Raises:
            NotFound, StoreError: as `end_of`.
        """
        for depth in range(len(path.segments) - 1, 0, -1):
            if path.segments[depth - 1] not in LINK_NAMES:
                continue
            try:
                link = (await self._load(ArtifactPath(path.segments[:depth], True))).link
            except (NotFound, Moved):
                continue
            if link is not None:
                real = await self.end_of(link)
                return ArtifactPath(real.segments + path.segments[depth:], path.is_folder)
        return None
