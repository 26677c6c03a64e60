"""One call for all callers that want the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Runs at most one call per key at a time; other callers wait for that one.

    The call is a task of its own: when a waiter is cancelled, it goes on for the others and for the
    next caller. Its exception reaches every waiter, and is not reported as lost if there is none.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, asyncio.Task[Value]] = {}
        self._running: set[asyncio.Task[Value]] = set()  # the references that keep the tasks alive

    def is_current(self, key: Key) -> bool:
        """Whether the running task is the call that a new caller for this key would wait for."""
        return self._flights.get(key) is asyncio.current_task()

    def is_under_way(self, key: Key) -> bool:
        """Whether a new caller for this key would join a running call."""
        return key in self._flights

    def launch(self, key: Key, call: Callable[[], Awaitable[Value]]) -> asyncio.Task[Value]:
        """Begin a call, or join the one under way, without waiting for it.

        Returns:
            The shared task. Await it only through `asyncio.shield`, as `join` does.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(_run(call))
            self._flights[key] = flight
            self._running.add(flight)
            flight.add_done_callback(lambda done: self._land(key, done))
        return flight

    async def join(self, key: Key, call: Callable[[], Awaitable[Value]]) -> Value:
        """The result of the one call for this key.

        Raises:
            Whatever the call raises.
        """
        flight = self.launch(key, call)
        if flight.done():
            # It is cleared away in the next turn of the loop. Without that turn, who joins until the result is new would
            # get this one for ever.
            await asyncio.sleep(0)
        return await asyncio.shield(flight)

    def abandon(self, key: Key) -> None:
        """Let the running call finish for its waiters, and start a new one for the next caller."""
        self._flights.pop(key, None)

    async def aclose(self) -> None:
        """Cancel every call, the abandoned ones too, and wait until all have ended."""
        flights = list(self._running)
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _land(self, key: Key, flight: asyncio.Task[Value]) -> None:
        self._running.discard(flight)
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # marks the exception as seen: there may be no waiter left


async def _run(call: Callable[[], Awaitable[Value]]) -> Value:
    return await call()
