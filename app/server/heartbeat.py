"""A worker shows its parent that it runs: that its process does, and that its event loop turns."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

import structlog

END_AT_ONCE: Final = signal.SIGUSR1
"""What a worker is sent that is to wait for nothing any more."""
BEAT: Final = b"."
STUCK: Final = b"?"
"""What a worker sends: that its event loop turns, or that the loop does not."""
BEAT_SECONDS: Final = 0.25
STUCK_SECONDS: Final = 5.0
"""An event loop that has not turned for so long is stuck, or has much to do: it counts as silence."""
LEAVE_SECONDS: Final = 1.0
"""What a worker may take to leave when it is told to end at once."""

_log = structlog.get_logger(__name__)


class Pulse:
    """Whether an event loop turns. Until it has turned once, it is being started, and counts as turning."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned_at = math.inf

    def beat(self) -> None:
        """The loop turns."""
        self._turned_at = self._clock()

    def message(self) -> bytes:
        """What the parent is to be sent now."""
        return STUCK if self._clock() - self._turned_at > STUCK_SECONDS else BEAT


def keep_beating(link: Connection) -> Pulse:
    """Show the parent that this worker runs; and leave when there is no parent any more.

    Returns:
        What the worker's event loop has to show that it turns.
    """
    pulse = Pulse()
    threading.Thread(target=_beat, args=(link, pulse), daemon=True, name="beats").start()
    return pulse


def _beat(link: Connection, pulse: Pulse) -> None:
    try:
        while True:
            link.send_bytes(pulse.message())
            time.sleep(BEAT_SECONDS)
    except OSError:
        _log.warning("parent_is_gone", pid=os.getpid())
    os.kill(os.getpid(), END_AT_ONCE)
    time.sleep(LEAVE_SECONDS)
    sys.stderr.flush()
    os._exit(1)
