"""A circuit breaker: what keeps failing is left alone for a while. Pure: the time is always an argument."""

from __future__ import annotations

from enum import Enum


class Circuit(Enum):
    """What the breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing, until the pause is over."""
    HALF_OPEN = "half-open"
    """One call, which decides."""


class Breaker:
    """Opens after so many failures in a row, and lets one call try again after each pause.

    Args:
        failures: in a row, after which it opens.
        pause: seconds that it stays open.
    """

    def __init__(self, failures: int, pause: float) -> None:
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._opened_at: float | None = None
        self._trial_at: float | None = None

    def circuit(self, now: float) -> Circuit:
        """The state at a time.

        Args:
            now: seconds of a clock that never goes back.
        """
        if self._opened_at is None:
            return Circuit.CLOSED
        return Circuit.OPEN if now - self._opened_at < self._pause else Circuit.HALF_OPEN

    def may_call(self, now: float) -> bool:
        """Whether a call may be made. In the half-open state, the first who asks is the one that may.

        A trial that never comes back (its caller was cancelled) is given up after another pause.
        """
        circuit = self.circuit(now)
        if circuit is not Circuit.HALF_OPEN:
            return circuit is Circuit.CLOSED
        if self._trial_at is not None and now - self._trial_at < self._pause:
            return False
        self._trial_at = now
        return True

    def succeeded(self) -> None:
        """Note that a call was answered."""
        self._failures = 0
        self._opened_at = self._trial_at = None

    def failed(self, now: float) -> None:
        """Note that a call was not answered."""
        self._failures += 1
        self._trial_at = None
        if self._failures >= self._limit:
            self._opened_at = now
