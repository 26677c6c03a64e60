"""A circuit breaker: no calls to a store that does not answer, until it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from app.domain.errors import PierheadError, StoreUnavailable

NO_ANSWER: Final = frozenset({"connection", "timeout", "broken-stream"})
"""Failures without a complete answer. Each counts."""
REFUSED_FOR_NOW: Final = frozenset({"throttled", "server-error"})
"""Failures that may be about the store or about the requested key. They count once for each key."""


class Breaker:
    """Opens when calls for several keys fail in a row and a probe fails too. A successful probe closes it.

    A key that always fails does not mean that the store is down: five requests for one broken object must not stop the requests
    for all others. So failures only start a probe, which asks for something else and decides.

    Attributes:
        is_open: whether no call is to be made.

    Args:
        probe: makes a cheap call to the store. It ends by itself, in bounded time.
        soon: seconds in which the first probe must be answered, since calls wait for it.
        failures: in a row, for different keys, after which the store is probed.
        pause: seconds between two probes while it is open.
        note_open: called with True when it opens, with False when it closes.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        *,
        failures: int,
        soon: float,
        pause: float,
        note_open: Callable[[bool], None] | None = None,
    ) -> None:
        self.is_open = False
        self._probe = probe
        self._limit = failures
        self._soon = soon
        self._pause = pause
        self._note_open = note_open
        self._failed: set[Hashable] = set()
        self._probing: asyncio.Task[None] | None = None
        self._decided = asyncio.Event()
        self._decided.set()

    async def decided(self) -> None:
        """Wait for a probe that decides whether to open."""
        await self._decided.wait()

    def answered(self) -> None:
        """Note that a call was answered."""
        self._failed.clear()

    def failed(self, reason: str, about: Hashable) -> None:
        """Note that a call failed.

        Args:
            reason: of the `StoreUnavailable`. Reasons that say nothing about the store are ignored.
            about: what was requested, such as a key.
        """
        if reason in NO_ANSWER:
            self._failed.add(object())
        elif reason in REFUSED_FOR_NOW:
            self._failed.add(about)
        if self._is_suspicious and self._probing is None:
            self._decided.clear()
            self._probing = asyncio.create_task(self._probe_until_well())

    async def aclose(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    @property
    def _is_suspicious(self) -> bool:
        return len(self._failed) >= self._limit

    async def _probe_until_well(self) -> None:
        try:
            is_well = await self._is_well_soon()
            # A call that was answered during the probe overrules it.
            while not is_well and self._is_suspicious:
                self._set_open(True)
                self._decided.set()
                await asyncio.sleep(self._pause)
                is_well = await _is_well(self._probe)
            self._failed.clear()
        finally:
            # Also if the probe itself is broken: nothing would ever close the circuit again.
            self._set_open(False)
            self._decided.set()
            self._probing = None

    async def _is_well_soon(self) -> bool:
        try:
            async with asyncio.timeout(self._soon):
                return await _is_well(self._probe)
        except TimeoutError:
            return False

    def _set_open(self, is_open: bool) -> None:
        if is_open is not self.is_open:
            self.is_open = is_open
            if self._note_open is not None:
                self._note_open(is_open)


async def _is_well(probe: Callable[[], Awaitable[object]]) -> bool:
    """Whether a store answers at all.

    A refusal is an answer too: it says nothing about other keys. Calls that are refused raise and log it themselves.
    """
    try:
        await probe()
    except StoreUnavailable as error:
        return error.reason not in NO_ANSWER | REFUSED_FOR_NOW
    except PierheadError:
        return True
    return True
