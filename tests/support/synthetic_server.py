"""The server over a million made-up files, and how much memory its process takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.waiting import answers, free_port, wait_until

PROJECT = Path(__file__).parents[2]
MIB = 1024 * 1024
SECONDS = 180


class Server(NamedTuple):
    pid: int
    port: int

    def memory(self) -> int:
        """Bytes that are resident now."""
        return self._status("VmRSS")

    def most_memory(self) -> int:
        """Bytes that ever were."""
        return self._status("VmHWM")

    def _status(self, field: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"{field}:"))
        return int(line.split()[1]) * 1024


@contextmanager
def synthetic_server(cache_bytes: int) -> Iterator[Server]:
    """A server over a million files, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.synthetic_site", str(port), str(cache_bytes)]
    process = subprocess.Popen(command, cwd=PROJECT, env={"PATH": os.environ["PATH"]})
    try:
        assert wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), SECONDS)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(SECONDS)
