"""`pierhead serve` as its operator runs it, with its log and its signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import app
from tests.support.forked_command import complete_pierhead, start_pierhead
from tests.support.live_server import metrics_at
from tests.support.log_file import whole_lines
from tests.support.waiting import answers, wait_until

START_SECONDS = 60
STOP_SECONDS = 60
KEY = "one-key-for-all-the-tests-of-this-file"


class Served:
    """A `pierhead serve` with its log."""

    def __init__(self, directory: Path, *arguments: str, **environ: str) -> None:
        (directory / "tree").mkdir()
        (directory / "tree/hello.txt").write_text("hello\n")
        with (directory / "tree/large.img").open("wb") as large:
            large.truncate(200 * 1024 * 1024)
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self.process = start_pierhead(
                ["serve", "--storage", "tree", "--port", "0", *arguments],
                cwd=directory,
                env=environment(environ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert wait_until(lambda: not self.is_running or self._listens(), START_SECONDS), self.log
        self.url, self.admin = (
            self.lines("listening")[0][name].removesuffix("/") for name in ("url", "admin")
        )
        assert wait_until(lambda: not self.is_running or answers(f"{self.admin}/healthz"), START_SECONDS)
        assert self.is_running, self.log

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def lines(self, event: str) -> list[dict[str, str]]:
        """The log lines of one kind."""
        return [line for line in map(json.loads, whole_lines(self._log)) if line["event"] == event]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Tell it to stop. Returns its exit status and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS), time.monotonic() - began

    def metrics(self) -> str:
        """What the operator is shown."""
        return metrics_at(self.admin)

    def workers(self) -> list[int]:
        """Process ids of those that were started, the oldest first."""
        return [int(line["pid"]) for line in self.lines("serving")]

    def kill(self) -> None:
        """Leave nothing behind, whatever became of it."""
        if self.is_running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _listens(self) -> bool:
        return bool(self.lines("listening"))


def run_serve(directory: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `pierhead serve` where it cannot start, until it has ended."""
    return complete_pierhead(
        ["serve", *arguments], cwd=directory, env=environment(environ), seconds=START_SECONDS
    )


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """PYTHONPATH makes the command run the code that the tests import, wherever it is installed from."""
    code = str(Path(app.__file__).parents[1])
    ours = {"PATH": os.environ["PATH"], "PYTHONPATH": code, "PIERHEAD_SECRET_KEYS": KEY}
    return {**ours, "PIERHEAD_LOG_FORMAT": "json", **extra}
