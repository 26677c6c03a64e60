"""A worker that is there and does nothing is replaced: one that stands still, and one whose event loop does not turn."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.support.log_file import whole_lines
from tests.support.pierhead_process import START_SECONDS, RunningPierhead, run_pierhead
from tests.support.stuck_serve import MAKE_STUCK, PROGRAM
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPierhead]:
    tree, own = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("own")
    (tree / "f.txt").write_text("x")
    with run_pierhead(str(tree), own, "--workers", "2", program=PROGRAM) as server:
        yield server


def pids(server: RunningPierhead, event: str) -> list[int]:
    """The processes that the log says this of, the first first."""
    found = [json.loads(line) for line in whole_lines(server.log) if line.startswith("{")]
    return [line["pid"] for line in found if line["event"] == event]


@pytest.mark.parametrize("how", [signal.SIGSTOP, MAKE_STUCK])
def test_a_worker_that_does_nothing_is_replaced(server: RunningPierhead, how: signal.Signals) -> None:
    assert wait_until(lambda: len(pids(server, "serving")) >= 2, START_SECONDS)
    stuck = pids(server, "serving")[-1]
    os.kill(stuck, how)
    assert wait_until(lambda: stuck in pids(server, "worker_died"), START_SECONDS)
    assert stuck in pids(server, "worker_is_silent")

    def is_replaced() -> bool:
        return pids(server, "serving")[-1] != stuck

    assert wait_until(is_replaced, START_SECONDS)
    for _ in range(10):
        assert httpx.get(f"{server.url}/f.txt", trust_env=False).status_code == 200
