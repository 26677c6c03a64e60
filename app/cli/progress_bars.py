"""A bar for each file that is under way."""

from __future__ import annotations

from rich import progress
from rich.console import Console
from rich.text import Text


class Bars:
    """See `Progress`."""

    def __init__(self, *, is_shown: bool) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.DownloadColumn(binary_units=True),
            progress.TransferSpeedColumn(),
            console=self._console,
            transient=True,
            disable=not is_shown,
        )
        self._tasks: dict[str, progress.TaskID] = {}

    def start(self) -> None:
        """See `Progress`."""
        self._bars.start()

    def stop(self) -> None:
        """See `Progress`."""
        self._bars.stop()

    def show(self, name: str, arrived: int, size: int | None) -> None:
        """See `Progress`."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=size)
        self._bars.update(self._tasks[name], completed=arrived, total=size)

    def remove(self, name: str) -> None:
        """See `Progress`."""
        if (task := self._tasks.pop(name, None)) is not None:
            self._bars.remove_task(task)

    def say(self, text: str) -> None:
        """See `Progress`."""
        self._console.print(Text(text))
