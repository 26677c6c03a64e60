"""Runs long work on the entries of a folder without blocking other requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import islice
from time import perf_counter
from typing import Final, TypeVar

T = TypeVar("T")

_FREED_ITEMS: Final = 500
PART_ITEMS: Final = 32
"""So many items are worked on before the clock is looked at. All together they take a millisecond or two."""

MANY_ENTRIES: Final = 300
"""From this many entries on, work runs in a thread, so that the event loop gets a turn every millisecond."""
MANY_BYTES: Final = 64 * 1024
"""From this many bytes on, they are parsed, compressed or hashed in a thread."""
TURN_SECONDS: Final = 0.005
"""Seconds of work in the event loop before others get a turn. By the clock, since entries differ in cost."""


async def run_aside(work: Callable[[], T], *, entries: int = 0, size: int = 0) -> T:
    """Do work that does not wait: at once if it is little, else in a thread.

    Args:
        entries: how many it looks at.
        size: how many bytes it reads.
    """
    is_little = entries < MANY_ENTRIES and size < MANY_BYTES
    return work() if is_little else await asyncio.to_thread(work)


def free_in_parts(items: list[T]) -> None:
    """Empty a long list. Freed all at once, tens of thousands of items hold up every other thread for as long."""
    while items:
        del items[-_FREED_ITEMS:]


class Turns:
    """Lets others run whenever a piece of work has taken long enough, across all of its loops."""

    def __init__(self) -> None:
        self._since = perf_counter()

    async def give(self) -> None:
        """Let others run if the work has taken long enough."""
        if perf_counter() - self._since >= TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = perf_counter()


class InParts(AsyncIterator[list[T]]):
    """The same items, some at a time, and between two parts a turn for others if it is due.

    Asking the clock, or the event loop, for each item would cost more than most items. No generator, so that it need not be
    closed.

    Args:
        items: each made in a moment.
        turns: of the work that this is a part of.
    """

    def __init__(self, items: Iterable[T], turns: Turns) -> None:
        self._items = iter(items)
        self._turns = turns

    async def __anext__(self) -> list[T]:
        await self._turns.give()
        if part := list(islice(self._items, PART_ITEMS)):
            return part
        raise StopAsyncIteration
