"""How a server ends, and what becomes of its processes: nothing that a client would notice."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.support.forked_command import AS_ITSELF, PIERHEAD
from tests.support.serve_command import START_SECONDS, STOP_SECONDS, Served, environment
from tests.support.waiting import wait_until

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
LARGE = 200 * 1024 * 1024


def ready(server: Served) -> int:
    """What the public port says, asked over a connection of its own."""
    with httpx.Client(trust_env=False, headers={"Connection": "close"}) as client:
        return client.get(f"{server.url}/readyz").status_code


def takes_connections(server: Served) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=60):
            return True
    except OSError:
        return False


def is_running(pid: int) -> bool:
    """Whether a process is there; one that has ended and is only to be collected is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[1])


@contextmanager
def download(server: Served) -> Iterator[Iterator[bytes]]:
    """A download that has begun."""
    with httpx.stream("GET", f"{server.url}/large.img", trust_env=False, timeout=60) as answer:
        chunks = answer.iter_raw(1 << 16)
        next(chunks)
        yield chunks


@WORKERS
class TestDrain:
    def test_who_asks_is_sent_elsewhere_while_who_comes_is_served(
        self, serve: Callable[..., Served], workers: str
    ) -> None:
        server = serve("--workers", workers, PIERHEAD_DRAIN_DELAY="3600")
        assert wait_until(lambda: len(server.workers()) == int(workers), START_SECONDS)
        assert ready(server) == 200
        server.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: {ready(server) for _ in range(8)} == {503}, STOP_SECONDS)
        for _ in range(20):
            answer = httpx.get(f"{server.url}/hello.txt", trust_env=False)
            assert (answer.status_code, answer.text) == (200, "hello\n")
        assert wait_until(lambda: "pierhead_draining 1.0" in server.metrics(), STOP_SECONDS)
        assert httpx.get(f"{server.admin}/-/state", trust_env=False).json()["draining"]
        assert httpx.get(f"{server.admin}/readyz", trust_env=False).status_code == 503
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 0

    def test_after_that_no_process_takes_connections_and_downloads_end_well(
        self, serve: Callable[..., Served], workers: str
    ) -> None:
        server = serve("--workers", workers, PIERHEAD_DRAIN_DELAY="1", PIERHEAD_DRAIN_TIMEOUT="60")
        with download(server) as chunks:
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert takes_connections(server)
            assert wait_until(lambda: not takes_connections(server), STOP_SECONDS)
            assert time.monotonic() - begun >= 1
            assert server.is_running
            assert (1 << 16) + sum(map(len, chunks)) == LARGE
        assert server.process.wait(STOP_SECONDS) == 0
        assert "Traceback" not in server.log

    def test_a_second_signal_ends_it_at_once(self, serve: Callable[..., Served], workers: str) -> None:
        server = serve("--workers", workers, PIERHEAD_DRAIN_DELAY="3600", PIERHEAD_DRAIN_TIMEOUT="3600")
        assert wait_until(lambda: len(server.workers()) == int(workers), START_SECONDS)
        with download(server):
            server.process.send_signal(signal.SIGTERM)
            assert wait_until(lambda: ready(server) == 503, STOP_SECONDS)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(STOP_SECONDS)
        assert wait_until(lambda: not any(map(is_running, server.workers())), STOP_SECONDS)
        assert server.process.returncode == 0
        assert "Traceback" not in server.log

    def test_a_reload_meanwhile_changes_nothing_and_says_so(
        self, serve: Callable[..., Served], workers: str
    ) -> None:
        server = serve("--workers", workers, PIERHEAD_DRAIN_DELAY="3600")
        assert wait_until(lambda: len(server.workers()) == int(workers), START_SECONDS)
        server.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: ready(server) == 503, STOP_SECONDS)
        server.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: len(server.lines("reload_ignored")) == 1, STOP_SECONDS)
        server.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: len(server.lines("reload_ignored")) == 2, STOP_SECONDS)
        assert not server.lines("reloaded")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 0


def takes_signals(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM yet."""
    (caught,) = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text("ascii"), re.MULTILINE)
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_a_reload_in_the_middle_of_a_start_does_not_end_it(tmp_path: Path) -> None:
    log, given = tmp_path / "log", environment({"PIERHEAD_ADMIN_LISTEN": "127.0.0.1:0"})
    (tmp_path / "tree").mkdir()
    command = [PIERHEAD, "serve", "--storage", "tree", "--port", "0"]
    with (
        log.open("wb") as written,
        subprocess.Popen(command, env=given, cwd=tmp_path, stderr=written) as starting,
    ):
        try:
            assert wait_until(lambda: takes_signals(starting.pid), START_SECONDS)
            starting.send_signal(signal.SIGHUP)
            assert wait_until(
                lambda: starting.poll() is not None or '"serving"' in log.read_text(), START_SECONDS
            )
        finally:
            starting.terminate()
        assert starting.wait(STOP_SECONDS) == 0


def test_the_former_name_of_the_timeout_is_understood(serve: Callable[..., Served]) -> None:
    server = serve(PIERHEAD_DRAIN_SECONDS="1")
    (line,) = server.lines("setting_renamed")
    assert line["notice"] == "PIERHEAD_DRAIN_SECONDS (environment): is now called PIERHEAD_DRAIN_TIMEOUT"
    settings = httpx.get(f"{server.admin}/-/state", trust_env=False).json()["settings"]
    assert settings["drain_timeout"] == {"value": "1", "source": "environment"}


def test_a_service_manager_that_signals_every_process_ends_no_download(serve: Callable[..., Served]) -> None:
    server = serve("--workers", "2", PIERHEAD_DRAIN_TIMEOUT="60")
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    processes = {*server.workers(), *map(parent_of, server.workers())}
    with download(server) as chunks:
        for _ in range(2):
            for pid in processes:
                os.kill(pid, signal.SIGTERM)
        server.process.send_signal(signal.SIGTERM)
        assert (1 << 16) + sum(map(len, chunks)) == LARGE
    assert server.process.wait(STOP_SECONDS) == 0


def counted(server: Served) -> dict[str, float]:
    """What only ever grows, by name and labels: counters, and the parts of histograms but for their sums."""
    lines = (line.rpartition(" ") for line in server.metrics().splitlines() if not line.startswith("#"))
    ends = ("_total", "_count", "_bucket")
    return {name: float(value) for name, _, value in lines if name.partition("{")[0].endswith(ends)}


def test_a_worker_that_is_killed_is_replaced(serve: Callable[..., Served]) -> None:
    server = serve("--workers", "2")
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    killed, other = server.workers()
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: len(server.workers()) == 3, START_SECONDS)
    assert is_running(other)
    (line,) = server.lines("worker_died")
    assert (int(line["pid"]), int(line["status"])) == (killed, -signal.SIGKILL)
    for _ in range(10):
        assert httpx.get(f"{server.url}/hello.txt", trust_env=False).status_code == 200
    state = httpx.get(f"{server.admin}/-/state", trust_env=False).json()
    assert killed not in {worker["pid"] for worker in state["workers"]}
    assert server.stop()[0] == 0


def test_no_figure_goes_back_when_a_worker_is_replaced(serve: Callable[..., Served]) -> None:
    server = serve("--workers", "2")
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    killed = server.workers()[0]
    seen = [counted(server)]
    assert seen[0]["process_cpu_seconds_total"] > 0
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: not is_running(killed), STOP_SECONDS)

    def is_replaced() -> bool:
        seen.append(counted(server))
        return len(server.workers()) == 3

    assert wait_until(is_replaced, START_SECONDS)
    for former, latter in pairwise(seen):
        assert {name: value for name, value in former.items() if latter[name] < value} == {}


def test_workers_are_forks_of_a_process_of_one_thread_that_can_be_replaced(
    serve: Callable[..., Served],
) -> None:
    server = serve("--workers", "2", **AS_ITSELF)
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    former = server.workers()
    (forked,) = set(map(parent_of, former))
    assert forked != server.process.pid
    assert len(list(Path(f"/proc/{forked}/task").iterdir())) == 1
    os.kill(forked, signal.SIGHUP)
    os.kill(forked, signal.SIGKILL)
    assert wait_until(lambda: len(server.workers()) == 4, START_SECONDS)
    assert wait_until(lambda: not any(map(is_running, former)), STOP_SECONDS)
    assert httpx.get(f"{server.url}/hello.txt", trust_env=False).status_code == 200
    assert server.stop()[0] == 0


@pytest.mark.parametrize("delay", ["0", "3600"])
def test_workers_of_a_dead_parent_leave(serve: Callable[..., Served], delay: str) -> None:
    server = serve("--workers", "2", PIERHEAD_DRAIN_DELAY=delay, PIERHEAD_DRAIN_TIMEOUT="3600")
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    with download(server):
        server.process.kill()
        server.process.wait()
        assert wait_until(lambda: not any(map(is_running, server.workers())), STOP_SECONDS)
    assert not takes_connections(server)
