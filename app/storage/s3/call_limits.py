"""Keeps a slow or dead store from holding requests, and requests from crushing a slow store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import stamina

from app.domain.errors import StoreUnavailable
from app.storage.s3.circuit_breaker import Breaker, Circuit

Result = TypeVar("Result")

RETRIED: Final = frozenset({"throttled", "connection", "broken-stream"})
"""Reasons that may be gone a moment later. A timeout is not among them: it has used up the time already."""
OVERLOAD: Final = frozenset({"throttled", "too-many-calls"})
"""Reasons that do not count against the store: it answers, only not so much at once."""


@dataclass(frozen=True)
class CallLimits:
    """How much is asked of a store.

    Attributes:
        seconds: longest that one call may take, its retries included; for a download, until its first byte.
        attempts: how often a call is made that is throttled or loses its connection, the first included.
        in_flight: most calls at the same time; a further one waits for its turn within its `seconds`.
        breaker_failures: calls that fail in a row before none is made for a while.
        breaker_seconds: that while.
    """

    seconds: float = 2.5
    attempts: int = 3
    in_flight: int = 64
    breaker_failures: int = 5
    breaker_seconds: float = 5.0


DEFAULT_LIMITS: Final = CallLimits()


class CallLimiter:
    """Makes calls within limits.

    Args:
        limits: what may be asked of the store.
        clock: seconds; never goes back.
        note_circuit: told with True when calls are given up for a while, with False when one was answered.
    """

    def __init__(
        self,
        limits: CallLimits,
        *,
        clock: Callable[[], float],
        note_circuit: Callable[[bool], None] | None = None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._breaker = Breaker(limits.breaker_failures, limits.breaker_seconds)
        self._note_circuit = note_circuit
        self._is_left_alone = False
        self._places = asyncio.Semaphore(limits.in_flight)

    async def run(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Make a call, again where that may help.

        Args:
            call: makes one attempt. Its foreign errors are translated already.

        Raises:
            StoreUnavailable: `circuit-open` while the store is left alone, `too-many-calls` where no place
                came free in time, `timeout`, or what the last attempt raised.
            Whatever else the call raises, at the first time.
        """
        if not self._breaker.may_call(self._clock()):
            raise StoreUnavailable("circuit-open")
        deadline = asyncio.get_running_loop().time() + self._limits.seconds
        async with self._place(deadline):
            if self._breaker.circuit(self._clock()) is Circuit.OPEN:  # since it began to wait
                raise StoreUnavailable("circuit-open")
            try:
                result = await self._attempts(call, deadline)
            except StoreUnavailable as error:
                if error.reason not in OVERLOAD:
                    self._breaker.failed(self._clock())
                    self._tell()
                raise
            except Exception:
                # A refusal or "no such key" is an answer too: the store is well.
                self._answered()
                raise
        self._answered()
        return result

    def _answered(self) -> None:
        self._breaker.succeeded()
        self._tell()

    def _tell(self) -> None:
        """Say it where the store is left alone from now on, or no longer."""
        is_left_alone = self._breaker.circuit(self._clock()) is not Circuit.CLOSED
        if is_left_alone != self._is_left_alone:
            self._is_left_alone = is_left_alone
            if self._note_circuit is not None:
                self._note_circuit(is_left_alone)

    @asynccontextmanager
    async def _place(self, deadline: float) -> AsyncIterator[None]:
        """A place among the calls in flight. Not to get one says nothing about the store."""
        try:
            async with asyncio.timeout_at(deadline):
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
