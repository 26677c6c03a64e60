"""What each worker of a replica says of itself, where each of them can read it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

PUBLISH_SECONDS: Final = 1.0

State = dict[str, Any]


class WorkerStates:
    """The states of all workers, this one's own included.

    Args:
        directory: where each keeps a file with its state; nobody else may write there. None for a process alone.
        own: the state of this worker as it is now; JSON, with `pid`.
    """

    def __init__(self, directory: Path | None, own: Callable[[], State]) -> None:
        self._directory = directory
        self._own = own

    def all(self) -> list[State]:
        """Those of workers that run, by process id. All but this worker's may be as old as `PUBLISH_SECONDS`."""
        own = self._own()
        states = {own["pid"]: own}
        for path in () if self._directory is None else self._directory.glob("*.json"):
            with suppress(OSError, ValueError):
                state = json.loads(path.read_bytes())
                if _runs(state["pid"]):
                    states.setdefault(state["pid"], state)
                else:
                    path.unlink(missing_ok=True)
        return [states[pid] for pid in sorted(states)]

    @asynccontextmanager
    async def published(self) -> AsyncIterator[None]:
        """Tell the other workers, until the block ends."""
        if self._directory is None:
            yield
            return
        path = self._directory / f"{os.getpid()}.json"
        task = asyncio.create_task(self._publish(path))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            _remove(path)

    async def _publish(self, path: Path) -> None:
        while True:
            self._write(path)
            await asyncio.sleep(PUBLISH_SECONDS)

    def _write(self, path: Path) -> None:
        """Renamed into place, so that nobody reads a part."""
        new = path.with_suffix(".new")
        with suppress(OSError):  # a full disk: the others see an older state
            new.write_bytes(json.dumps(self._own()).encode())
            new.replace(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
