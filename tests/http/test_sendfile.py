"""Large files of a directory go from the file straight to the socket. No client notices, and neither does the log."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

import httpx
import pytest

from app.storage.local.span import COPIED_BYTES
from tests.support import raw_http
from tests.support.live_server import live_server
from tests.support.site_trees import DirectoryTree
from tests.support.waiting import PATIENCE, wait_until

MIB = 1024 * 1024
STRAIGHT = 16 * MIB
SIZE = STRAIGHT + COPIED_BYTES


class Straight:
    """Counts what sendfile(2) sends, and fails where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent = 0
        self.breaks_at = 1 << 40
        self._sendfile = os.sendfile
        monkeypatch.setattr(os, "sendfile", self._send)

    def _send(self, connection: int, descriptor: int, first: int, length: int) -> int:
        if self.sent >= self.breaks_at:
            raise OSError(5, "the disk is broken")
        sent = self._sendfile(connection, descriptor, first, length)
        self.sent += sent
        return sent


@pytest.fixture
def straight(monkeypatch: pytest.MonkeyPatch) -> Straight:
    return Straight(monkeypatch)


@pytest.fixture
def content(directory: DirectoryTree) -> bytes:
    content = os.urandom(SIZE)
    directory.put("f.bin", content)
    return content


def test_a_large_file_arrives_whole_and_its_connection_goes_on(
    directory: DirectoryTree, content: bytes, straight: Straight
) -> None:
    with live_server(directory.app()) as server, httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        for _ in range(2):
            assert client.get(f"{server.url}/f.bin").content == content
        assert straight.sent == 2 * STRAIGHT
        assert client.head(f"{server.url}/f.bin").headers["content-length"] == str(SIZE)
        assert straight.sent == 2 * STRAIGHT


def test_requests_that_were_sent_at_once_are_answered_in_order(
    directory: DirectoryTree, content: bytes, straight: Straight
) -> None:
    directory.put("small", b"small")
    with live_server(directory.app()) as server:
        asked = b"GET /f.bin HTTP/1.1\r\nHost: x\r\n\r\n" + raw_http.request(
            b"GET", b"/small", b"Connection: close"
        )
        received = raw_http.exchange(server.port, asked)
    first, second = received[: received.rindex(b"HTTP/1.1 200")], received[received.rindex(b"HTTP/1.1 200") :]
    assert straight.sent == STRAIGHT
    assert raw_http.parse_answer(first).body == content
    assert raw_http.parse_answer(second).body == b"small"


@pytest.mark.parametrize("first", [0, 7, SIZE - COPIED_BYTES])
def test_a_range_goes_the_same_way(
    directory: DirectoryTree, content: bytes, straight: Straight, first: int
) -> None:
    with live_server(directory.app()) as server:
        fields = {"Range": f"bytes={first}-"}
        answer = httpx.get(f"{server.url}/f.bin", headers=fields, trust_env=False, timeout=PATIENCE)
    assert (answer.status_code, straight.sent) == (206, STRAIGHT - first)
    assert answer.headers["content-range"] == f"bytes {first}-{SIZE - 1}/{SIZE}"
    assert answer.content == content[first:]


def test_several_ranges_stay_in_order(directory: DirectoryTree, content: bytes, straight: Straight) -> None:
    with live_server(directory.app()) as server:
        fields = {"Range": f"bytes=1-9,100-{SIZE - 2}"}
        answer = httpx.get(f"{server.url}/f.bin", headers=fields, trust_env=False, timeout=PATIENCE)
    boundary = answer.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    parts = [
        part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        for part in answer.content.split(b"--" + boundary)[1:3]
    ]
    assert parts == [content[1:10], content[100 : SIZE - 1]]
    assert len(answer.content) == int(answer.headers["content-length"])
    assert straight.sent == STRAIGHT - 101


def logged(error_output: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in error_output.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("path") == "/f.bin"]


def test_the_log_counts_every_byte(
    directory: DirectoryTree, content: bytes, straight: Straight, capfd: pytest.CaptureFixture[str]
) -> None:
    with live_server(directory.app(log_level="info", log_format="json")) as server:
        assert httpx.get(f"{server.url}/f.bin", trust_env=False, timeout=PATIENCE).content == content
        metrics = server.metrics()
    (line,) = logged(capfd.readouterr().err)
    assert (line["status"], line["bytes"], line.get("broken")) == (200, SIZE, None)
    assert f'pierhead_download_bytes_total{{route="file-stream"}} {SIZE:.7e}' in metrics


def test_a_client_that_goes_away_is_logged_with_what_was_sent(
    directory: DirectoryTree, content: bytes, straight: Straight, capfd: pytest.CaptureFixture[str]
) -> None:
    lines: list[dict[str, Any]] = []

    def is_logged() -> bool:
        lines.extend(logged(capfd.readouterr().err))
        return bool(lines)

    with live_server(directory.app(log_level="info", log_format="json")) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(raw_http.request(b"GET", b"/f.bin"))
            assert connection.recv(MIB)
            assert wait_until(lambda: straight.sent > 0, PATIENCE)
        assert wait_until(is_logged, PATIENCE)
    assert lines[0]["broken"] == "the client went away"
    assert lines[0]["bytes"] == straight.sent < STRAIGHT


def test_a_disk_that_breaks_cuts_the_answer(
    directory: DirectoryTree, content: bytes, straight: Straight, capfd: pytest.CaptureFixture[str]
) -> None:
    straight.breaks_at = 1
    with live_server(directory.app(log_level="info", log_format="json")) as server:
        received = raw_http.exchange(server.port, raw_http.request(b"GET", b"/f.bin"))
    answer = raw_http.parse_answer(received)
    assert answer.body == content[: straight.sent]
    assert answer.headers["content-length"] == str(SIZE)
    (line,) = logged(capfd.readouterr().err)
    assert (line["bytes"], line["broken"]) == (
        straight.sent,
        "the storage does not answer at the moment (io-error)",
    )
