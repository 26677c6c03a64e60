"""Keeps a slow or dead store from holding requests, and requests from crushing a slow store."""

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
"""Reasons that may be gone a moment later. A timeout is not among them: it has used up the time already."""


@dataclass(frozen=True)
class CallLimits:
    """How much is asked of a store.

    Attributes:
        seconds: longest that one call may take, its retries included; for a download, until its first byte.
        attempts: how often a call is made that is throttled or loses its connection, the first included.
        in_flight: most calls at the same time; a further one waits for its turn within its `seconds`.
        breaker_failures: calls about different keys that fail in a row before the store is probed. If it does not
            answer that either, no more calls are made.
        probe_seconds: in which it must answer that, while other calls wait.
        breaker_seconds: pause between two probes until it answers again.
    """

    seconds: float = 2.5
    attempts: int = 3
    in_flight: int = 64
    breaker_failures: int = 5
    probe_seconds: float = 0.5
    breaker_seconds: float = 5.0


DEFAULT_LIMITS: Final = CallLimits()


class CallLimiter:
    """Makes calls within limits.

    Args:
        limits: what may be asked of the store.
        probe: makes one cheap call that no single object can spoil. Its foreign errors are translated already.
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
        """End what goes on in the background."""
        await self._breaker.aclose()

    async def run(self, call: Callable[[], Awaitable[Result]], *, about: Hashable) -> Result:
        """Make a call, again where that may help.

        Args:
            call: makes one attempt. Its foreign errors are translated already.
            about: what it asks for, such as a key. However often one thing fails, the others are still asked for.

        Raises:
            StoreUnavailable: `circuit-open` while the store is left alone, `too-many-calls` where no place
                came free in time, `timeout`, or what the last attempt raised.
            Whatever else the call raises, at the first time.
        """
        self._check_circuit()
        deadline = asyncio.get_running_loop().time() + self._limits.seconds
        async with self._place(deadline):
            self._check_circuit()  # it may have opened during the wait
            try:
                result = await self._attempts(call, deadline)
            except StoreUnavailable as error:
                self._breaker.failed(error.reason, about)
                raise
            except Exception:
                # A refusal or "no such key" is an answer too: the store is well.
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
    async def _place(self, deadline: float) -> AsyncIterator[None]:
        """A place among the calls in flight. Not to get one says nothing about the store."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._breaker.decided()
                await self._places.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("too-many-calls") from error
        try:
            yield
        finally:
            self._places.release()

    async def _attempts(self, call: Callable[[], Awaitable[Result]], deadline: float) -> Result:
        retrying = stamina.AsyncRetryingCaller(
            attempts=self._limits.attempts, timeout=None, wait_initial=0.05, wait_max=0.5, wait_jitter=0.2
        )
        seconds_left = deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline):
                return await retrying(_is_worth_another, call)
        except TimeoutError as error:
            # A call whose turn came late has not given the store its time.
            is_late = seconds_left < self._limits.seconds / 2
            raise StoreUnavailable("too-many-calls" if is_late else "timeout") from error


def _is_worth_another(error: Exception) -> bool:
    return isinstance(error, StoreUnavailable) and error.reason in RETRIED
