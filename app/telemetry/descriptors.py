"""Says in the log that the process has run out of descriptors: once when it begins, once when it is over.

Everything else goes on by itself: connections without one are closed at once, and requests that need one get 503.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

LOOK_SECONDS: Final = 1.0
CALM_LOOKS: Final = 5
"""How many times in a row there must be one again, so that a server at its limit does not say so every second."""

_log = structlog.get_logger("pierhead.telemetry")


class DescriptorWatch:
    """Whether the process can open one more descriptor, as it was found at the last looks."""

    def __init__(self) -> None:
        self._calm_looks = CALM_LOOKS

    def look(self) -> None:
        """Look whether there is one; log it where that has changed."""
        if not _is_one_left():
            if self._calm_looks >= CALM_LOOKS:
                limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
                _log.error("descriptors_exhausted", limit=limit, pid=os.getpid())
            self._calm_looks = 0
            return
        if self._calm_looks == CALM_LOOKS - 1:
            _log.warning("descriptors_free", pid=os.getpid())
        self._calm_looks = min(CALM_LOOKS, self._calm_looks + 1)


@asynccontextmanager
async def watched_descriptors() -> AsyncIterator[None]:
    """Look once a second for as long as the block lasts."""
    task = asyncio.create_task(_look_on(DescriptorWatch()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look_on(watch: DescriptorWatch) -> None:
    while True:
        watch.look()
        await asyncio.sleep(LOOK_SECONDS)


def _is_one_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        # EMFILE is the limit of this process, ENFILE that of the system.
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True
