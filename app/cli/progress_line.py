"""One line for all files that are under way."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TextIO

from app.pages.formats import size_text

_SECONDS_BETWEEN: Final = 0.1


class _File(NamedTuple):
    arrived: int
    size: int | None


class Line:
    """See `Progress`. The line is written over itself and never wraps, with no escape sequence that a terminal must know.

    Args:
        out: where lines go.
        is_shown: whether it may be written over.
        clock: seconds that never go back.
    """

    def __init__(self, out: TextIO, *, is_shown: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._is_shown = is_shown
        self._clock = clock
        self._files: dict[str, _File] = {}
        self._began = clock()
        self._received = 0
        self._drawn = 0
        self._due = 0.0

    def start(self) -> None:
        """See `Progress`."""
        self._due = 0.0

    def stop(self) -> None:
        """See `Progress`."""
        if self._drawn:
            self._out.write("\r" + " " * self._drawn + "\r")
            self._out.flush()
        self._drawn = 0

    def show(self, name: str, arrived: int, size: int | None) -> None:
        """See `Progress`."""
        before = self._files.get(name)
        self._received += (
            max(0, arrived - before.arrived) if before else 0
        )  # a file may continue what was there
        self._files[name] = _File(arrived, size)
        now = self._clock()
        if self._is_shown and now >= self._due:
            self._due = now + _SECONDS_BETWEEN
            self._draw(now)

    def remove(self, name: str) -> None:
        """See `Progress`."""
        self._files.pop(name, None)

    def say(self, text: str) -> None:
        """See `Progress`."""
        self.stop()
        print(text, file=self._out, flush=True)

    def _draw(self, now: float) -> None:
        first, *others = self._files
        name = f"{first} and {len(others)} more" if others else first
        arrived = sum(file.arrived for file in self._files.values())
        sizes = [file.size for file in self._files.values()]
        known = [size for size in sizes if size is not None]
        whole = f" of {size_text(sum(known))}" if len(known) == len(sizes) else ""
        speed = size_text(int(self._received / max(now - self._began, 0.001)))
        figures = f"{size_text(arrived)}{whole}, {speed}/s"
        columns = shutil.get_terminal_size().columns - 1  # some terminals wrap when the last one is written
        text = f"{name[: max(columns - len(figures) - 2, 0)]}  {figures}"[:columns]
        self._out.write("\r" + text.ljust(self._drawn))
        self._out.flush()
        self._drawn = len(text)
