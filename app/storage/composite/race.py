"""Puts one question to several stores: to the next if one fails, and to two at once if one is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

from app.domain.errors import RulesUnreadable, StoreError
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.composite.resume import ILLNESS

Answer = TypeVar("Answer")


class Won(NamedTuple, Generic[Answer]):
    """An answer and the place of the store that gave it."""

    answer: Answer
    place: int


class Race(Generic[Answer]):
    """Asks the stores of a list, and takes the first good answer.

    After a store that fails, the next is asked. "Not found" is an answer too, and so are rules that the store
    has but cannot read. But while an earlier store is still being asked, only its own answer of
    that kind counts: later stores may lag behind.

    Open questions are cancelled when the `with` block ends.

    Args:
        stores: in the order in which to ask them.
        ask: puts the question to one of them.
        note_health: called for each store that was asked, with its error, or None if it answered.
    """

    def __init__(
        self,
        stores: Sequence[OriginTagging],
        ask: Callable[[OriginTagging], Awaitable[Answer]],
        note_health: Callable[[OriginTagging, StoreError | None], None],
    ) -> None:
        self._stores = stores
        self._ask = ask
        self._note_health = note_health
        self._asked = 0
        self._running: dict[asyncio.Task[Answer], int] = {}
        self._failure: StoreError | None = None
        self._refusal: Exception | None = None

    async def __aenter__(self) -> Race[Answer]:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        losers = list(self._running)
        for task in losers:
            task.cancel()
        await asyncio.gather(*losers, return_exceptions=True)

    def ask_next(self) -> None:
        """Ask the next store, even if the earlier ones have not answered."""
        store = self._stores[self._asked]
        self._running[asyncio.create_task(_run(self._ask, store))] = self._asked
        self._asked += 1

    async def is_answered_within(self, seconds: float) -> bool:
        """Wait until any store has answered or failed, but not longer than this."""
        done, _ = await asyncio.wait(self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    async def winner(self) -> Won[Answer]:
        """The first good answer.

        Raises:
            StoreUnavailable, StoreDenied: no store answers; what the first one said.
            Anything else that the question raises.
        """
        while True:
            if not self._running:
                self._go_on()
            done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=self._running.__getitem__):
                place = self._running.pop(task)
                if (error := task.exception()) is None:
                    self._note_health(self._stores[place], None)
                    return Won(task.result(), place)
                self._note_error(place, error)

    def _go_on(self) -> None:
        """Ask the next store when no question is open; raise if there is no other."""
        if self._refusal is not None:
            raise self._refusal
        if self._asked == len(self._stores):
            assert self._failure is not None
            raise self._failure
        self.ask_next()

    def _note_error(self, place: int, error: BaseException) -> None:
        if isinstance(error, ILLNESS) and not isinstance(error, RulesUnreadable):
            self._note_health(self._stores[place], error)
            self._failure = self._failure or error
            return
        if not isinstance(error, Exception):
            raise error
        self._note_health(self._stores[place], None)
        if not self._running or min(self._running.values()) > place:
            raise error
        self._refusal = error


async def _run(ask: Callable[[OriginTagging], Awaitable[Answer]], store: OriginTagging) -> Answer:
    return await ask(store)
