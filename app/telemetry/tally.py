"""Counts many observations at once: one by one, each costs more than sending an answer that is in memory."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from prometheus_client import Counter, Histogram

MOST_WAITING: Final = 512
"""Observations that wait at most, before they are folded in."""


class Tally:
    """Observations of one histogram with one set of labels, and the bytes that go with them. For one thread.

    Args:
        histogram: with its labels.
        size: counts the bytes; None where nobody counts them.
    """

    def __init__(self, histogram: Histogram, size: Counter | None = None) -> None:
        self._histogram = histogram
        self._size = size
        self._waiting: list[float] = []
        self._bytes = 0

    def observe(self, seconds: float, size: int) -> None:
        """Take one observation. It is seen in the metrics after `fold`."""
        self._waiting.append(seconds)
        self._bytes += size
        if len(self._waiting) >= MOST_WAITING:
            self.fold()

    def fold(self) -> None:
        """Pass on what waits. The histogram is then as if it had observed each by itself."""
        waiting, size = self._waiting, self._bytes
        if not waiting:
            return
        self._waiting, self._bytes = [], 0
        if self._size is not None:
            self._size.inc(size)
        waiting.sort()
        # As `Histogram.observe` does it; the library has no way to observe several.
        self._histogram._sum.inc(sum(waiting))
        start = 0
        for bound, bucket in zip(self._histogram._upper_bounds, self._histogram._buckets, strict=True):
            if (end := bisect_right(waiting, bound, start)) > start:
                bucket.inc(end - start)
                start = end
