"""A server that has run out of descriptors: what it answers, what it says, and that it goes on by itself."""

from __future__ import annotations

import json
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.forked_command import PIERHEAD
from tests.support.log_file import whole_lines
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.raw_http import parse_answer
from tests.support.waiting import PATIENCE, answers, fetch, wait_until

LIMIT = 64
SECONDS = 60


@contextmanager
def held_connections(port: int) -> Iterator[list[socket.socket]]:
    """More connections than there are descriptors; the first of them are the server's."""
    with ExitStack() as held:
        address = ("127.0.0.1", port)
        yield [held.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(2 * LIMIT)]


def ask_on(connection: socket.socket, target: bytes) -> tuple[int, str, bytes]:
    """Status, media type and body of an answer on a connection that stays open."""
    connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: t\r\nAccept: text/html\r\n\r\n")
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    answer = parse_answer(received)
    body = answer.body
    while len(body) < int(answer.headers["content-length"]):
        body += connection.recv(65536)
    return answer.status, answer.headers["content-type"], body


def events(server: RunningPierhead) -> list[str]:
    return [json.loads(line)["event"] for line in whole_lines(server.log)]


def test_a_server_without_descriptors_says_so_once_and_goes_on_by_itself(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a/file.txt").write_text("text")
    with run_pierhead(str(tree), tmp_path, program=[PIERHEAD]) as server:
        # Loaded now, the applications that the server loads late open no files while it is full, nor free one after.
        fetch(f"{server.url}/api/ls/")
        server.metrics()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        port = int(server.url.rpartition(":")[2])
        with held_connections(port) as held:
            assert wait_until(lambda: "descriptors_exhausted" in events(server), SECONDS)
            assert ask_on(held[0], b"/healthz")[0] == 200
            # Pages are rendered for the first time now, from templates that are in memory.
            for target in (b"/a/", b"/a/file.txt", b"/license?lic=x&url=a/file.txt"):
                status, media_type, _ = ask_on(held[0], target)
                assert (status, media_type) == (503, "text/html; charset=utf-8")
        assert wait_until(lambda: answers(f"{server.url}/a/file.txt"), SECONDS)
        metrics = server.metrics()
        assert re.search(r"^process_open_fds \d+\.0$", metrics, re.MULTILINE)
        assert re.search(rf"^process_max_fds {LIMIT}\.0$", metrics, re.MULTILINE)
        assert wait_until(lambda: "descriptors_free" in events(server), SECONDS)
        said = events(server)
    assert [said.count(event) for event in ("descriptors_exhausted", "descriptors_free")] == [1, 1]
    assert "request_failed" not in said
