"""Where the workers of a replica meet."""

from __future__ import annotations

import os
from pathlib import Path

from app.cache.worker_channel import DIRECTORY_VARIABLE


def meeting_place(site: str = "") -> Path | None:
    """The directory in which they do; None for a process alone.

    Args:
        site: in whose matters; empty for those of the whole server.
    """
    if not (directory := os.environ.get(DIRECTORY_VARIABLE)):
        return None
    place = Path(directory, site)
    place.mkdir(exist_ok=True)
    return place
