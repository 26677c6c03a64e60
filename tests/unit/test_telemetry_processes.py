"""The figures of several processes, as of one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.telemetry import Metrics
from app.telemetry.processes import AllProcesses, workers_in


@pytest.fixture
def others() -> Iterator[list[int]]:
    """Processes beside this one, that have started and wait: their memory does not grow any more."""
    with ExitStack() as held:
        started = []
        for _ in range(2):
            process = held.enter_context(
                subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            )
            held.callback(process.kill)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"x")
            assert process.stdout.read(1) == b"x"
            started.append(process.pid)
        yield started


def figures(*pids: int) -> dict[str, float]:
    return {
        metric.samples[0].name: metric.samples[0].value for metric in AllProcesses(lambda: pids).collect()
    }


def test_what_can_be_added_is_and_the_start_is_that_of_the_youngest(others: list[int]) -> None:
    apart = [figures(pid) for pid in others]
    together = figures(*others)
    for name in ("process_open_fds", "process_max_fds", "process_resident_memory_bytes"):
        assert together[name] >= max(one[name] for one in apart) > 0
        assert together[name] == sum(one[name] for one in apart)
    starts = [one["process_start_time_seconds"] for one in apart]
    assert together["process_start_time_seconds"] == max(starts)
    assert "process_cpu_seconds_total" not in together


def test_one_that_is_gone_is_left_out(others: list[int]) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert figures(gone.pid, *others).keys() == figures(*others).keys()


def test_workers_are_those_whose_metrics_are_there(tmp_path: Path) -> None:
    for name in ("gauge_livemax_12.db", "gauge_livemax_7.db", "counter_7.db", "counter_3.db"):
        (tmp_path / name).touch()
    assert workers_in(tmp_path) == [7, 12]


def test_processor_time_is_counted_once_however_often_it_is_noted() -> None:
    metrics = Metrics()

    def counted() -> float:
        (value,) = [
            line for line in metrics.render().splitlines() if line.startswith(b"process_cpu_seconds_total ")
        ]
        return float(value.split()[1])

    before = time.process_time()
    metrics.note_until_now()
    first = counted()
    second = counted()
    assert before <= first <= second <= time.process_time()
