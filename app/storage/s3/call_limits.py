"""Limits calls, so that a slow or dead store does not hold requests, and requests do not overload a slow store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import stamina

from app.domain.errors import StoreUnavailable
from app.storage.s3.circuit_breaker import Breaker

Result = TypeVar("Result")

RETRIED: Final = frozenset({"throttled", "connection", "broken-stream"})
"""Failures that are retried. Not timeouts: they have used up the time already."""


@dataclass(frozen=True)
class CallLimits:
    """Limits for the calls to a store.

    Attributes:
        seconds: longest time of one call with its retries; for a download, until its first byte.
        attempts: how often a call is made in all if it is throttled or loses its connection.
        in_flight: most calls at the same time. Others wait for their turn: a server that starts is asked for everything
            at once, and serves it later rather than not at all.
        waiting_seconds: longest such wait.
        breaker_failures: calls about different keys that fail in a row before the store is probed. If the probe
            fails too, no more calls are made.
        probe_seconds: longest time of the first probe, while other calls wait.
        breaker_seconds: pause between two probes until the store answers again.
    """

    seconds: float = 2.5
    attempts: int = 3
    in_flight: int = 64
    waiting_seconds: float = 60.0
    breaker_failures: int = 5
    probe_seconds: float = 0.5
    breaker_seconds: float = 5.0


DEFAULT_LIMITS: Final = CallLimits()


class CallLimiter:
    """Makes calls within limits.

    Args:
        limits: for the calls to the store.
        probe: makes one cheap call that does not depend on any object. Raises only errors of this project.
        note_circuit: called with True when no more calls are made, with False when they are made again.
    """

    def __init__(
        self,
        limits: CallLimits,
        *,
        probe: Callable[[], Awaitable[object]],
        note_circuit: Callable[[bool], None] | None = None,
    ) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.in_flight)
        self._breaker = Breaker(
            lambda: self._in_time(probe),
            failures=limits.breaker_failures,
            soon=limits.probe_seconds,
            pause=limits.breaker_seconds,
            note_open=note_circuit,
        )

    async def aclose(self) -> None:
        """Stop the background task."""
        await self._breaker.aclose()

    async def run(self, call: Callable[[], Awaitable[Result]], *, about: Hashable) -> Result:
        """Make a call, and retry it if that may help.

        Args:
            call: makes one attempt. Raises only errors of this project.
            about: what it asks for, such as a key. One key that keeps failing does not open the circuit.

        Raises:
            StoreUnavailable: `circuit-open` while the circuit is open, `too-many-calls` if no place
                became free in `waiting_seconds`, `timeout`, or the error of the last attempt.
            Anything else that the call raises, without a retry.
        """
        self._check_circuit()
        async with self._place():
            await self._breaker.decided()
            self._check_circuit()  # it may have opened during the wait
            try:
                result = await self._attempts(call)
            except StoreUnavailable as error:
                self._breaker.failed(error.reason, about)
                raise
            except Exception:
                # A refusal or "no such key" is an answer too: the store is healthy.
                self._breaker.answered()
                raise
        self._breaker.answered()
        return result

    def _check_circuit(self) -> None:
        if self._breaker.is_open:
            raise StoreUnavailable("circuit-open")

    async def _in_time(self, probe: Callable[[], Awaitable[object]]) -> None:
        try:
            async with asyncio.timeout(self._limits.seconds):
                await probe()
        except TimeoutError as error:
            raise StoreUnavailable("timeout") from error

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place among the calls in flight. Failing to get one says nothing about the store."""
        try:
            async with asyncio.timeout(self._limits.waiting_seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("too-many-calls") from error
        try:
            yield
        finally:
            self._places.release()

    async def _attempts(self, call: Callable[[], Awaitable[Result]]) -> Result:
        retrying = stamina.AsyncRetryingCaller(
            attempts=self._limits.attempts, timeout=None, wait_initial=0.05, wait_max=0.5, wait_jitter=0.2
        )
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await retrying(_is_worth_another, call)
        except TimeoutError as error:
            raise StoreUnavailable("timeout") from error


def _is_worth_another(error: Exception) -> bool:
    return isinstance(error, StoreUnavailable) and error.reason in RETRIED
