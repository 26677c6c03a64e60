"""Long work on the entries of a folder, done so that others get their turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

MANY_ENTRIES: Final = 300
"""From so many on, work on all of them is done in a thread, from which the event loop takes over every millisecond."""
MANY_BYTES: Final = 64 * 1024
"""From so many on, they are parsed, compressed, or digested in a thread."""
ENTRIES_PER_TURN: Final = 200
"""So many are worked on in the event loop before others get a turn: some milliseconds."""


async def run_aside(work: Callable[[], T], *, entries: int = 0, size: int = 0) -> T:
    """Do work that does not wait for anything: at once if it is little, else in a thread.

    Args:
        entries: how many it looks at.
        size: how many bytes it reads.
    """
    is_little = entries < MANY_ENTRIES and size < MANY_BYTES
    return work() if is_little else await asyncio.to_thread(work)


class InTurns(AsyncIterator[T]):
    """The same items, with a turn for others now and then. No generator, so that it need not be closed.

    Args:
        items: each made in a moment.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._items = enumerate(items, start=1)

    async def __anext__(self) -> T:
        for number, item in self._items:
            if number % ENTRIES_PER_TURN == 0:
                await asyncio.sleep(0)
            return item
        raise StopAsyncIteration
