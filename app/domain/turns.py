"""Long work on the entries of a folder, done so that others get their turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from time import perf_counter
from typing import Final, TypeVar

T = TypeVar("T")

MANY_ENTRIES: Final = 300
"""From so many on, work on all of them is done in a thread, from which the event loop takes over every millisecond."""
MANY_BYTES: Final = 64 * 1024
"""From so many on, they are parsed, compressed, or digested in a thread."""
TURN_SECONDS: Final = 0.005
"""So long is worked in the event loop before others get a turn. By the clock, since an entry may cost little or much."""


async def run_aside(work: Callable[[], T], *, entries: int = 0, size: int = 0) -> T:
    """Do work that does not wait for anything: at once if it is little, else in a thread.

    Args:
        entries: how many it looks at.
        size: how many bytes it reads.
    """
    is_little = entries < MANY_ENTRIES and size < MANY_BYTES
    return work() if is_little else await asyncio.to_thread(work)


class Turns:
    """Gives others their turn whenever a piece of work has gone on for long enough, however many loops it is made of."""

    def __init__(self) -> None:
        self._since = perf_counter()

    async def give(self) -> None:
        """Let others run if it is their turn."""
        if perf_counter() - self._since >= TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = perf_counter()


class InTurns(AsyncIterator[T]):
    """The same items, with a turn for others now and then. No generator, so that it need not be closed.

    Args:
        items: each made in a moment.
        turns: of the work that this is a part of.
    """

    def __init__(self, items: Iterable[T], turns: Turns) -> None:
        self._items = iter(items)
        self._turns = turns

    async def __anext__(self) -> T:
        for item in self._items:
            await self._turns.give()
            return item
        raise StopAsyncIteration
