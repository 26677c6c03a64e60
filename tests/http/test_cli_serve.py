"""`pierhead serve` as its operator runs it: a process that listens, answers, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.auth.keys import KeyRing
from app.auth.tokens import TokenGrant, issue_token
from app.domain.access import Permission
from tests.support.serve_command import KEY, START_SECONDS, Served, run_serve
from tests.support.waiting import fetch, wait_until


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_takes_a_free_port_says_which_serves_and_stops(serve: Callable[..., Served], workers: str) -> None:
    server = serve("--workers", workers)
    assert not server.url.endswith(":0")
    assert httpx.get(f"{server.url}/hello.txt").text == "hello\n"
    assert server.stop()[0] == 0
    assert "Traceback" not in server.log


def test_it_stops_at_control_c_as_well(serve: Callable[..., Served]) -> None:
    server = serve()
    assert server.stop(signal.SIGINT)[0] == 0
    assert "Traceback" not in server.log


def test_an_idle_client_does_not_hold_it_up(serve: Callable[..., Served]) -> None:
    server = serve()
    with httpx.Client(base_url=server.url) as client:
        client.get("/hello.txt")
        assert server.stop()[0] == 0


def test_a_slow_download_is_waited_for_but_not_for_ever(serve: Callable[..., Served]) -> None:
    server = serve(PIERHEAD_DRAIN_SECONDS="1")
    with httpx.stream("GET", f"{server.url}/large.img") as answer:
        chunks = answer.iter_raw(1024)
        next(chunks)
        status, seconds = server.stop()
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in chunks:
                pass
    assert status == 0
    assert seconds >= 1
    (line,) = (line for line in server.lines("request") if line["path"] == "/large.img")
    assert line["broken"] == "the server stopped"
    assert "Traceback" not in server.log


def test_workers_count_together(serve: Callable[..., Served]) -> None:
    server = serve("--workers", "2")
    for _ in range(20):  # each over a connection of its own, so that both get some
        httpx.get(f"{server.url}/hello.txt")
    assert wait_until(lambda: downloads_counted(server) == 20)
    assert {downloads_counted(server) for _ in range(10)} == {20}


def downloads_counted(server: Served) -> float:
    pattern = r'^pierhead_download_duration_seconds_count\{.*status="200".*\} (\S+)$'
    found = re.search(pattern, server.metrics(), re.MULTILINE)
    return float(found[1]) if found else 0


@contextmanager
def held(processes: Iterable[int]) -> Iterator[None]:
    """Keep processes from running until the block ends."""
    stopped = list(processes)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_workers_tell_each_other_what_has_changed(serve: Callable[..., Served], tmp_path: Path) -> None:
    server = serve("--workers", "2", PIERHEAD_CACHE_TTL="3600")
    assert wait_until(lambda: len(server.lines("serving")) == 2, START_SECONDS)
    workers = server.workers()

    def listed() -> list[str]:
        """What each worker answers, asked while the others are held."""
        answered = []
        for asked in workers:
            with held(worker for worker in workers if worker != asked):
                answered.append(httpx.get(f"{server.url}/?format=text").text)
        return answered

    assert listed() == ["hello.txt\nlarge.img\n"] * 2
    (tmp_path / "tree/new.txt").write_text("new")
    assert listed() == ["hello.txt\nlarge.img\n"] * 2
    grant = TokenGrant(
        "events",
        frozenset(),
        time.time() + 60,
        time.time(),
        "1",
        permissions=frozenset({Permission.INVALIDATE}),
    )
    event = {"Records": [{"s3": {"bucket": {"name": "any"}, "object": {"key": "new.txt"}}}]}
    bearer = {"Authorization": f"Bearer {issue_token(KeyRing([KEY]), grant)}"}
    assert httpx.post(f"{server.url}/api/v1/invalidate", json=event, headers=bearer).status_code == 200
    assert wait_until(lambda: listed() == ["hello.txt\nlarge.img\nnew.txt\n"] * 2)


def test_workers_share_a_key_that_was_made_up(serve: Callable[..., Served]) -> None:
    server = serve("--workers", "2", PIERHEAD_SECRET_KEYS="")
    assert len(server.lines("no_secret_keys")) == 1


def test_one_process_alone_warns_that_its_key_ends_with_it(serve: Callable[..., Served]) -> None:
    assert serve(PIERHEAD_SECRET_KEYS="").lines("no_secret_keys")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_named_and_nothing_else(tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_serve(tmp_path, "--port", str(port), "--workers", workers)
    assert result.returncode == 1
    assert result.stderr == f"pierhead: cannot listen on 127.0.0.1, port {port}: Address already in use\n"
    assert not result.stdout


def test_a_name_with_two_addresses_is_served_at_both(serve: Callable[..., Served]) -> None:
    addresses = {str(found[4][0]) for found in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    server = serve("--host", "localhost")
    port = server.url.rpartition(":")[2]
    for address in addresses:
        host = f"[{address}]" if ":" in address else address
        assert fetch(f"http://{host}:{port}/hello.txt") == b"hello\n"


def test_the_log_is_json_where_nobody_reads_it_and_the_time_comes_first(serve: Callable[..., Served]) -> None:
    server = serve(PIERHEAD_LOG_FORMAT="")
    httpx.get(f"{server.url}/hello.txt", headers={"Authorization": "Bearer very-secret"})
    server.stop()
    (line,) = server.lines("request")
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert "very-secret" not in server.log
