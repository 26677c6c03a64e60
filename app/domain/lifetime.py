"""What a process keeps while the settings that it serves by are replaced."""

from __future__ import annotations

import time
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
        reload: the last one; None before the first.
    """

    def __init__(self) -> None:
        self.started = time.time()
        self.drain = Drain()
        self.reload: Reload | None = None
