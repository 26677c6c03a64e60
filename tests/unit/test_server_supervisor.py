"""What becomes of a worker that fails."""

from __future__ import annotations

import logging
import multiprocessing
import socket
from multiprocessing.connection import Connection

import pytest
from structlog.testing import capture_logs

from app.server.supervisor import run_logged


class Flushed(logging.Handler):
    """Counts how often the log is brought to its end."""

    count = 0

    def flush(self) -> None:
        self.count += 1


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Flushed:
    handler = Flushed()
    monkeypatch.setattr(logging.root, "handlers", [handler])
    return handler


def fails(plan: str, sockets: list[list[socket.socket]], link: Connection) -> None:
    raise ValueError(f"cannot serve {plan}")


def ends(plan: str, sockets: list[list[socket.socket]], link: Connection) -> None:
    pass


def test_why_it_fails_is_one_line_of_the_log_and_its_end_waits_for_it(flushed: Flushed) -> None:
    link, _ = multiprocessing.Pipe()
    with capture_logs() as lines, pytest.raises(SystemExit) as end:
        run_logged(fails, "this", [], link)
    assert end.value.code == 1
    (line,) = lines
    assert (line["event"], line["log_level"], line["exc_info"]) == ("worker_failed", "error", True)
    assert flushed.count


def test_the_end_of_one_that_is_well_waits_for_the_log_too(flushed: Flushed) -> None:
    link, _ = multiprocessing.Pipe()
    run_logged(ends, "this", [], link)
    assert flushed.count
