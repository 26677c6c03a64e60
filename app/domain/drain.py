"""Whether the server is on its way out."""

from __future__ import annotations

from collections.abc import Callable


class Drain:
    """Begins once and never ends.

    Attributes:
        has_begun: whether the server was told to stop.
        note: called once, after it has begun.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.note: Callable[[], object] = _nothing
        self._is_noted = False

    def begin(self) -> None:
        """From now on, requests are better sent elsewhere.

        A signal handler may call this: it takes no lock, which the code that the signal has interrupted may hold.
        """
        self.has_begun = True

    def tell(self) -> bool:
        """Call `note` if it has begun and this is the first time. Returns whether it is."""
        if self._is_noted or not self.has_begun:
            return False
        self._is_noted = True
        self.note()
        return True


def _nothing() -> None:
    """Nobody listens."""
