"""Trying again: how often, and after how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from app.client.errors import FetchFailed, Transient

LONGEST_WAIT: Final = 300.0
"""Most seconds that a server may ask to wait: a job that waits longer looks as if it hung."""

_FIRST_WAIT: Final = 0.5
_LONGEST_OWN_WAIT: Final = 30.0

_Result = TypeVar("_Result")


class Patience:
    """Repeats what failed for a moment.

    Args:
        retries: after so many failures in a row without progress, it gives up.
        note_wait: is called before each wait, with its seconds and the reason.
        sleep: waits.
    """

    def __init__(
        self,
        retries: int,
        note_wait: Callable[[float, str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._retries = retries
        self._note_wait = note_wait
        self._sleep = sleep

    async def persist(
        self, attempt: Callable[[], Awaitable[_Result]], progress: Callable[[], int] = lambda: 0
    ) -> _Result:
        """Call `attempt` until it succeeds.

        Args:
            progress: how far it has come; after progress, failures are counted anew.

        Raises:
            FetchFailed: as `attempt`; a `Transient` one after too many failures, or if the server asks for too long.
        """
        failures, reached = 0, progress()
        while True:
            try:
                return await attempt()
            except Transient as error:
                failures = 1 if progress() > reached else failures + 1
                reached = max(reached, progress())
                if failures > self._retries:
                    raise
                await self._wait(error, failures)

    async def _wait(self, error: Transient, failures: int) -> None:
        own = min(_LONGEST_OWN_WAIT, _FIRST_WAIT * 2 ** (failures - 1))
        seconds = own if error.after is None else error.after
        if seconds > LONGEST_WAIT:
            raise FetchFailed(f"{error}; the server asks to wait {seconds:.0f} seconds") from error
        if seconds:
            self._note_wait(seconds, str(error))
            await self._sleep(seconds)
