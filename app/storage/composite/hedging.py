"""When a second store is asked beside the first, which is only slow. Pure: durations and moments are arguments.

The way is that of J. Dean and L. A. Barroso, "The Tail at Scale" (CACM 56(2), 2013): what has not been answered
by the time in which 95 of 100 are is asked once more elsewhere. That alone keeps the extra load near a twentieth;
the budget keeps it there while a store becomes slower for all.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SHARE: Final = 0.05
"""Most calls that are made twice, of all."""
MOST_SAVED: Final = 10.0
"""Hedges that a quiet time may save up for a bad moment."""
LEAST_CALLS: Final = 20
"""Before so many calls there is nothing to compare with."""
RECENT_CALLS: Final = 200
LEAST_DELAY: Final = 0.01
"""Seconds; a call is not late before that, however fast the others were."""
ILL_SECONDS: Final = 5.0
"""How long a store that has failed is not asked for help."""


class HedgeBudget:
    """A token bucket: each call pays in a share of a token, each hedge takes a whole one.

    At no time have there been more hedges than that share of the calls, for it begins empty.

    Args:
        share: of the calls, from 0 to 1.
        most_saved: tokens it holds; more are lost.
    """

    def __init__(self, share: float = SHARE, most_saved: float = MOST_SAVED) -> None:
        self._share = share
        self._most_saved = most_saved
        self._tokens = 0.0

    def note_call(self) -> None:
        """A call begins."""
        self._tokens = min(self._most_saved, self._tokens + self._share)

    def take(self) -> bool:
        """Whether a hedge may be made now; if so, it is counted as made."""
        # Shares add up to a little less than they should: twenty times 0.05 is not quite 1.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True


class CallTimes:
    """How long the last calls of one operation took.

    Args:
        kept: how many of them count.
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
        """Seconds after which a call is late: the 95th percentile. None while too few are known to say so."""
        if len(self._seconds) < LEAST_CALLS:
            return None
        if self._p95 is None:
            ordered = sorted(self._seconds)
            self._p95 = ordered[len(ordered) * 95 // 100]
        return max(LEAST_DELAY, self._p95)


class Health:
    """Whether a store is fit to be asked for help, as far as its last answers tell."""

    def __init__(self) -> None:
        self._failed_at: float | None = None

    def is_ill(self, now: float) -> bool:
        """Whether it has failed a moment ago and not answered since.

        Args:
            now: seconds of a clock that never goes back.
        """
        return self._failed_at is not None and now - self._failed_at < ILL_SECONDS

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
