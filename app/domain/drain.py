"""Whether the server is on its way out."""

from __future__ import annotations

from collections.abc import Callable


class Drain:
    """Begins once and never ends.

    Attributes:
        has_begun: whether the server was told to stop.
        note: called when it begins.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.note: Callable[[], object] = _nothing

    def begin(self) -> None:
        """From now on, requests are better sent elsewhere."""
        if not self.has_begun:
            self.has_begun = True
            self.note()


def _nothing() -> None:
    """Nobody listens."""
