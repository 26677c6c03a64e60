"""Answers that were given a moment ago and must still be the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from app.cache.byte_cache import ByteCache

MOST: Final = 2048
"""Requests that are remembered."""

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class _Last(NamedTuple, Generic[Request, Answer]):
    request: Request
    answer: Answer
    until: float


class LastAnswers(Generic[Request, Answer]):
    """The answers of the last moment to requests that are sent again and again.

    What is found in a cache stays the same until the cache changes. So an answer is given again without a look into the
    cache, and all are forgotten when the cache has changed. None outlives a value that it was made from, and they hold
    nothing large that the cache does not count.

    Args:
        held: the cache that answers are made from, and from nothing else but the request and the time. What depends on more
            is no part of them.
        clock: seconds; never goes back.
    """

    def __init__(self, held: ByteCache, clock: Callable[[], float]) -> None:
        self._held = held
        self._clock = clock
        self._changes = held.changes
        # By identity, since hashing a request takes longer than all the rest. The request is kept too, so that no other
        # gets its number.
        self._last: dict[int, _Last[Request, Answer]] = {}

    def get(self, request: Request) -> Answer | None:
        """The last answer to this very request, if it must still be the same."""
        if self._changes != self._held.changes:
            self._changes = self._held.changes
            self._last.clear()
            return None
        if (last := self._last.get(id(request))) is None:
            return None
        _, answer, until = last
        return answer if self._clock() < until else None

    def keep(self, request: Request, answer: Answer, seconds: float) -> None:
        """Keep an answer that was made from what the cache has now.

        Args:
            seconds: for which it stays the same if the cache does.
        """
        if len(self._last) >= MOST:
            self._last.clear()
        self._last[id(request)] = _Last(request, answer, self._clock() + seconds)
