"""What a process keeps while the settings that it serves by are replaced."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import NamedTuple

from app.domain.drain import Drain


class Reload(NamedTuple):
    """What became of an attempt to read the settings again.

    Attributes:
        number: of the attempt, from 1 at the start of the server.
        at: when, in seconds since the epoch.
        faults: why the former settings stay; empty if the new ones are in use.
    """

    number: int
    at: float
    faults: tuple[str, ...] = ()


class Lifetime:
    """From the start of a process to its end.

    Attributes:
        started: seconds since the epoch.
        drain: begins when it is told to stop.
        is_warming: whether it still reads what it was told to read before it is ready.
        reload: the last one; None before the first.
        versions: numbers for folders as they were read, each given once.
    """

    def __init__(self) -> None:
        self.started = time.time()
        self._since = time.monotonic()
        self.drain = Drain()
        self.is_warming = False
        self.reload: Reload | None = None
        self.versions: Iterator[int] = itertools.count()

    @property
    def seconds(self) -> float:
        """How long it has lasted, however the clock was set meanwhile."""
        return time.monotonic() - self._since
