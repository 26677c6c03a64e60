"""Decides when a second store is asked because the first is slow. Pure: durations and times are arguments.

This follows J. Dean and L. A. Barroso, "The Tail at Scale" (CACM 56(2), 2013): a call that was not answered
in the time that suffices for 95 of 100 calls is made once more elsewhere. That adds about a twentieth of load;
the budget keeps it there when a store becomes slower for all calls.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SHARE: Final = 0.05
"""Largest share of the calls that is made twice."""
MOST_SAVED: Final = 10.0
"""Hedges that may be saved up in quiet times."""
LEAST_CALLS: Final = 20
"""Calls that must be known before any call counts as late."""
RECENT_CALLS: Final = 200
LEAST_DELAY: Final = 0.01
"""Seconds before which no call is late, however fast the others were."""
UNHEALTHY_SECONDS: Final = 5.0
"""Seconds during which a failed store is not used for hedges."""


class HedgeBudget:
    """A token bucket: each call adds a share of a token, each hedge takes a whole one.

    It begins empty, so there are never more hedges than that share of the calls.

    Args:
        share: of the calls, from 0 to 1.
        most_saved: tokens it holds; more are lost.
    """

    def __init__(self, share: float = SHARE, most_saved: float = MOST_SAVED) -> None:
        self._share = share
        self._most_saved = most_saved
        self._tokens = 0.0

    def note_call(self) -> None:
        """Count a call."""
        self._tokens = min(self._most_saved, self._tokens + self._share)

    def take(self) -> bool:
        """Whether a hedge may be made now; if so, count it."""
        # Shares add up to a little less than they should: twenty times 0.05 is not quite 1.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True


class CallTimes:
    """The durations of the last calls of one operation.

    Args:
        kept: how many count.
    """

    def __init__(self, kept: int = RECENT_CALLS) -> None:
        self._seconds: deque[float] = deque(maxlen=kept)
        self._p95: float | None = None

    def add(self, seconds: float) -> None:
        """Note a call that was answered."""
        self._seconds.append(seconds)
        self._p95 = None

    @property
    def late_after(self) -> float | None:
        """Seconds after which a call is late: the 95th percentile. None while too few are known."""
        if len(self._seconds) < LEAST_CALLS:
            return None
        if self._p95 is None:
            ordered = sorted(self._seconds)
            self._p95 = ordered[len(ordered) * 95 // 100]
        return max(LEAST_DELAY, self._p95)


class Health:
    """Whether a store is healthy, by its last answers."""

    def __init__(self) -> None:
        self._failed_at: float | None = None

    def is_ill(self, now: float) -> bool:
        """Whether it has failed recently and not answered since.

        Args:
            now: seconds of a clock that never goes back.
        """
        return self._failed_at is not None and now - self._failed_at < UNHEALTHY_SECONDS

    def failed(self, now: float) -> bool:
        """Note a failure. Returns whether it is the first after an answer."""
        is_news = self._failed_at is None
        self._failed_at = now
        return is_news

    def answered(self) -> bool:
        """Note an answer. Returns whether it is the first after a failure."""
        is_news = self._failed_at is not None
        self._failed_at = None
        return is_news
