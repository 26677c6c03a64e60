"""Counts what a principal sees of a folder, once for each tier."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.cache.byte_cache import ByteCache
from app.catalog.views import FolderView
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.domain.totals import Totals, totals_of
from app.domain.turns import run_aside
from app.policy.tier import Tier

_TOTALS_BYTES: Final = 200


class _Key(NamedTuple):
    path: ArtifactPath
    tier: Tier
    mount: Mount


class _Kept(NamedTuple):
    totals: Totals
    version: int


class FolderTotals:
    """Counts folders, and keeps what it found for as long as the folder stays as it is.

    Args:
        held: where that is kept, together with folders and pages.
    """

    def __init__(self, held: ByteCache) -> None:
        self._held = held

    async def of(self, view: FolderView) -> Totals:
        """All that the principal sees. No more than one entry is made at a time."""
        key = _Key(view.snapshot.path, view.tier, view.mount._replace(origin=""))
        kept: _Kept | None = self._held.get(key)
        if kept is None or kept.version != view.snapshot.version:
            shown = (visible for visible in view.each() if visible is not None)
            totals = await run_aside(lambda: totals_of(shown), entries=len(view.snapshot.entries))
            kept = _Kept(totals, view.snapshot.version)
            self._held.put(key, kept, _TOTALS_BYTES)
        return kept.totals
