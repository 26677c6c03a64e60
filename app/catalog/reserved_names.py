"""Tells the operator of names at the top of the tree that the server needs for itself."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from app.catalog.snapshot import Snapshot
from app.domain.mounts import AT_ROOT
from app.domain.paths import ArtifactPath
from app.domain.reserved import RESERVED

_log = structlog.get_logger(__name__)


class ReservedNames:
    """Logs each of them once."""

    def __init__(self) -> None:
        self._logged: set[ArtifactPath] = set()

    def note(self, folder: Snapshot) -> None:
        """Look for them in a folder that was read."""
        if folder.path.segments:
            return
        for path in _reserved_in(folder):
            if path not in self._logged:
                self._logged.add(path)
                effect = f"left out of listings, as {path.url} is the server's own; reachable at {AT_ROOT.url(path)}"
                _log.warning("name_is_reserved", path=path.text, effect=effect)


def _reserved_in(root: Snapshot) -> Iterator[ArtifactPath]:
    for name in sorted(RESERVED):
        for is_folder in (True, False):
            if root.find(name, is_folder=is_folder):
                yield root.path.child(name, is_folder=is_folder)
