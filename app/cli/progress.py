"""How far downloads are, on a terminal: a bar for each file where the part for bars is installed, else one line for all."""

from __future__ import annotations

import sys
from typing import Protocol

from app.domain.extras import is_installed


class Progress(Protocol):
    """Shows on standard error how far files are, and says what else there is to say. Nothing moves where that is no terminal."""

    def start(self) -> None:
        """Take the last lines of the terminal."""

    def stop(self) -> None:
        """Leave the terminal to something else, without a trace. It may be started again."""

    def show(self, name: str, arrived: int, size: int | None) -> None:
        """A file has so many of its bytes; the size is None where nobody knows it."""

    def remove(self, name: str) -> None:
        """A file has ended; nothing happens for one that was never shown."""

    def say(self, text: str) -> None:
        """Print a line that stays."""


def progress(*, is_shown: bool) -> Progress:
    """The best that is installed.

    Args:
        is_shown: whether anything may move on a terminal; lines that stay are printed in any case.
    """
    is_shown = is_shown and sys.stderr.isatty()
    if is_installed("progress"):
        from app.cli.progress_bars import Bars  # only here: the library for it is a part of its own

        return Bars(is_shown=is_shown)
    from app.cli.progress_line import Line

    return Line(sys.stderr, is_shown=is_shown)
