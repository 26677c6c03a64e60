"""A log reader that stalls: the server goes on, drops lines, and says how many when they are read again."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from app.telemetry.line_writer import MAX_WAITING_BYTES
from tests.support.forked_command import Process, start_pierhead
from tests.support.live_server import metrics_at
from tests.support.raw_http import ask, read_to_end, request
from tests.support.serve_command import environment
from tests.support.waiting import PATIENCE, wait_until

PIPE_BYTES = 4096
START_SECONDS = 60
LINE_BYTES = 200
"""Less than any line of the log has."""


class StalledServer:
    """A server of its own process, whose log is a small pipe that this test reads or not."""

    def __init__(self, process: Process, pipe: IO[bytes]) -> None:
        self.process = process
        self.pipe = pipe
        self.log = bytearray()
        self._pipe = pipe.fileno()
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.port, self.admin = self._listening()

    def _listening(self) -> tuple[int, str]:
        """The public port, and the URL of the operator's listener."""
        while (url := self._said(rb"url")) is None or (admin := self._said(rb"admin")) is None:
            piece = os.read(self._pipe, 65536)
            assert piece, self.log.decode()
            self.log += piece
        return int(url.rpartition(":")[2]), admin

    def _said(self, name: bytes) -> str | None:
        """What the log has under a name, in either format."""
        found = re.search(rb'%b(?:"?: ?"?|=)(?:\x1b\[[0-9;]*m)*(http://[0-9.:]+)/' % name, self.log)
        return found[1].decode() if found else None

    def read_on(self) -> None:
        """Read the log again, until the server ends."""

        def read() -> None:
            while piece := os.read(self._pipe, 65536):
                self.log.extend(piece)

        threading.Thread(target=read, daemon=True).start()

    def ask_many(self, count: int) -> None:
        """Ask for one page so many times, on one connection."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            sender = threading.Thread(
                target=connection.sendall,
                args=(b"GET /a/ HTTP/1.1\r\nHost: t\r\n\r\n" * count + request(target=b"/healthz"),),
            )
            sender.start()
            received = read_to_end(connection)
            sender.join()
        assert received.count(b"HTTP/1.1 200 OK") == count + 1

    def dropped(self) -> float:
        """How many lines were dropped, as the metrics have it."""
        metrics = metrics_at(self.admin)
        found = re.search(r"^pierhead_log_lines_dropped_total (\S+)$", metrics, re.MULTILINE)
        assert found, metrics
        return float(found[1])


@contextmanager
def stalled_server(directory: Path, workers: int, log_format: str) -> Iterator[StalledServer]:
    tree = directory / "tree"
    (tree / "a").mkdir(parents=True)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        with os.fdopen(writing, "wb", buffering=0) as log:
            process = start_pierhead(
                ["serve", "--storage", str(tree), "--port", "0", "--workers", str(workers)],
                cwd=directory,
                env=environment({"PIERHEAD_LOG_FORMAT": log_format}),
                stdout=log,
                stderr=log,
            )
        try:
            server = StalledServer(process, pipe)
            assert wait_until(lambda: is_ready(server.port), START_SECONDS)
            yield server
        finally:
            process.terminate()
            assert process.wait(START_SECONDS) == 0


def is_ready(port: int) -> bool:
    try:
        return ask(port, request(target=b"/readyz")).status == 200
    except (OSError, AssertionError):
        return False


@pytest.mark.parametrize(("workers", "log_format"), [(1, "json"), (1, "console"), (2, "json")])
def test_the_server_goes_on_and_tells_what_it_dropped(tmp_path: Path, workers: int, log_format: str) -> None:
    enough = workers * MAX_WAITING_BYTES // LINE_BYTES + 1000
    with stalled_server(tmp_path, workers, log_format) as server:
        for _ in range(enough // 1000):
            server.ask_many(1000)
            # A line of another logger, and by another way.
            assert ask(server.port, b"nonsense\r\n\r\n").status == 400
            if server.dropped() > 0:
                break
        assert wait_until(lambda: server.dropped() > 0, START_SECONDS)
        assert ask(server.port, request(target=b"/healthz")).status == 200
        server.read_on()
        assert wait_until(lambda: b"log_lines_dropped" in server.log, START_SECONDS)
        before = server.log.count(b"\n")
        server.ask_many(10)
        assert wait_until(lambda: server.log.count(b"\n") >= before + 10, START_SECONDS)
        if log_format == "json":
            whole = server.log[: server.log.rindex(b"\n")]
            lines = [json.loads(line) for line in whole.splitlines()]
            told = sum(line.get("count", 0) for line in lines if line["event"] == "log_lines_dropped")
            assert 0 < told <= server.dropped()


def test_a_log_that_nobody_reads_any_more_stops_nothing(tmp_path: Path) -> None:
    with stalled_server(tmp_path, 1, "json") as server:
        server.pipe.close()
        server.ask_many(100)
        assert wait_until(lambda: server.dropped() > 0, START_SECONDS)
        assert ask(server.port, request(target=b"/healthz")).status == 200
