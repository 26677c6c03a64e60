"""Bodies on their way: in constant memory, let go of when nobody listens, and never passed off as whole."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.entries import FileInfo
from app.domain.errors import ObjectChanged, StoreUnavailable
from app.domain.paths import ArtifactPath
from tests.support import raw_http
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Outpour
from tests.support.live_server import app_for, app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.pierhead_process import run_pierhead
from tests.support.site_trees import DirectoryTree, client_of
from tests.support.switched_s3 import BUCKET, run_switched_s3
from tests.support.waiting import PATIENCE, wait_until
from tests.support.watched_store import WatchedStore, made_up

MIB = 1024 * 1024


def ask_on(connection: socket.socket, target: bytes, *lines: bytes) -> None:
    connection.sendall(raw_http.request(b"GET", target, *lines))


def stops_at(count: Callable[[], int]) -> int:
    """Wait until a count has begun, and no longer grows."""
    seen = [0]

    def stands_still() -> bool:
        seen.append(count())
        return len(set(seen[-5:])) == 1 and seen[-1] > 0

    assert wait_until(stands_still, PATIENCE)
    return seen[-1]


def watched(size: int, **options: object) -> WatchedStore:
    store = WatchedStore(size, **options)  # type: ignore[arg-type]
    store.put("f.bin", b"x")
    return store


@pytest.mark.parametrize("lines", [(), (b"Range: bytes=0-9,20-",)])
def test_a_client_that_goes_away_lets_the_source_go(lines: tuple[bytes, ...]) -> None:
    store = watched(1 << 40)
    with live_server(app_over(store)) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            ask_on(connection, b"/f.bin", *lines)
            assert connection.recv(65536)
            assert wait_until(lambda: store.served > MIB, PATIENCE)
        assert store.released.wait(PATIENCE)


def test_a_download_that_its_client_gives_up_says_how_far_it_came(capfd: pytest.CaptureFixture[str]) -> None:
    store, size = watched(1 << 40), 0
    logged: list[dict[str, Any]] = []

    def is_logged() -> bool:
        lines = map(json.loads, capfd.readouterr().err.splitlines())
        logged.extend(line for line in lines if line.get("path") == "/f.bin")
        return bool(logged)

    with live_server(app_over(store, log_level="info")) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            ask_on(connection, b"/f.bin")
            while size < MIB:
                size += len(connection.recv(65536))
        assert wait_until(is_logged, PATIENCE)
        counted = server.metrics()
    assert logged[0]["broken"] == "the client went away"
    assert (logged[0]["status"], MIB < logged[0]["bytes"] < 1 << 40) == (200, True)
    assert 'pierhead_downloads_aborted_total{cause="client",route="file-stream"} 1.0' in counted
    assert 'pierhead_download_duration_seconds_count{route="file-stream",status="200"}' not in counted


def test_a_client_that_breaks_off_while_the_source_hangs_lets_it_go() -> None:
    store = watched(1 << 40, breaks_at=10)
    with live_server(app_over(store)) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ask_on(connection, b"/f.bin")
            assert connection.recv(65536)
        assert store.released.wait(PATIENCE)


def test_a_client_that_does_not_read_is_not_read_for() -> None:
    store = watched(1 << 40)
    with (
        live_server(app_over(store)) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        ask_on(connection, b"/f.bin")
        assert connection.recv(65536)
        assert stops_at(lambda: store.served) < 64 * MIB  # what the system's own buffers take


def test_what_a_client_does_not_read_stays_in_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    outpour = Outpour(1 << 30)
    with run_switched_s3({"f.bin": b""}) as s3:  # listed with its key; its bytes are the outpour
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        s3.answer_each(head=outpour, get=outpour)
        with (
            live_server(app_for(f"s3://{BUCKET}", delivery="proxy")) as server,
            socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
        ):
            ask_on(connection, b"/f.bin")
            assert connection.recv(65536)
            assert stops_at(lambda: outpour.sent) < 64 * MIB


def test_a_file_let_go_of_is_closed(directory: DirectoryTree) -> None:
    directory.put("d/big.bin")
    os.truncate(directory.root / "d/big.bin", 1 << 34)

    def is_open() -> bool:
        return any(_target(link).endswith("big.bin") for link in Path("/proc/self/fd").iterdir())

    with live_server(directory.app()) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            ask_on(connection, b"/d/big.bin")
            assert connection.recv(65536)
            assert is_open()
        assert wait_until(lambda: not is_open(), PATIENCE)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed since
        return ""


@pytest.mark.parametrize(
    "error", [StoreUnavailable("broken-stream"), ObjectChanged(), RuntimeError("a slip")]
)
@pytest.mark.parametrize("breaks_at", [1, 5 * MIB])
def test_a_body_that_breaks_off_is_a_short_read(error: Exception, breaks_at: int) -> None:
    store = watched(8 * MIB, breaks_at=breaks_at, error=error)
    with live_server(app_over(store)) as server:
        answer = raw_http.ask(server.port, raw_http.request(b"GET", b"/f.bin"))
        with httpx.Client(base_url=server.url) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                client.get("/f.bin")
            assert client.head("/f.bin").status_code == 200  # and the server goes on
    assert answer.headers["content-length"] == str(8 * MIB)
    assert len(answer.body) <= breaks_at
    assert answer.body == made_up(0, len(answer.body))
    assert store.released.is_set()


@pytest.mark.parametrize("field", [b"Range: bytes=100-", b"Range: bytes=0-9,4000000-"])
def test_a_part_that_breaks_off_is_a_short_read(field: bytes) -> None:
    store = watched(8 * MIB, breaks_at=5 * MIB, error=StoreUnavailable("broken-stream"))
    with live_server(app_over(store)) as server:
        answer = raw_http.ask(server.port, raw_http.request(b"GET", b"/f.bin", field))
    assert answer.status == 206
    assert len(answer.body) < int(answer.headers["content-length"])
    assert not answer.body.endswith(b"--\r\n")


class ReplacedInBetween(MemoryStore):
    """Whatever was looked at is replaced before it is read.

    Args:
        times: how often.
    """

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        info = await super().head(path, is_listed=is_listed)
        if self._left:
            self._left -= 1
            self.put(path.text, b"NEW %05d" % self._left)
        return info


RANGES: tuple[dict[str, str], ...] = ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=0-0,2-2"})


@pytest.mark.parametrize("headers", RANGES)
def test_a_file_replaced_before_its_first_byte_is_looked_at_again(headers: dict[str, str]) -> None:
    store = ReplacedInBetween(2)
    store.put("f.bin", b"old bytes")
    with client_of(app_over(store)) as client:
        answer = client.get("/f.bin", headers=headers)
        assert answer.status_code == (206 if headers else 200)
        assert answer.headers["etag"] == store.e_tag_of(b"NEW 00000")
        assert headers or answer.content == b"NEW 00000"


@pytest.mark.parametrize("headers", RANGES)
def test_a_file_that_is_replaced_all_the_time_is_never_mixed_up(headers: dict[str, str]) -> None:
    store = ReplacedInBetween(100)
    store.put("f.bin", b"old bytes")
    with client_of(app_over(store)) as client:
        answer = client.get("/f.bin", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_file_removed_before_its_first_byte_is_not_found() -> None:
    class RemovedInBetween(MemoryStore):
        async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
            info = await super().head(path, is_listed=is_listed)
            self.remove(path.text)
            return info

    store = RemovedInBetween()
    store.put("d/f.bin", b"x")
    store.put("d/other", b"x")
    with client_of(app_over(store)) as client:
        assert client.get("/d/f.bin").status_code == 404


def test_a_file_rewritten_in_mid_download_is_cut_and_never_mixed(directory: DirectoryTree) -> None:
    size = 64 * MIB
    directory.put("f.bin", b"a" * size)
    with (
        live_server(directory.app()) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        ask_on(connection, b"/f.bin")
        received = b""
        while not received.partition(b"\r\n\r\n")[2]:  # the head may come alone
            received += connection.recv(65536)
        directory.put("f.bin", b"b" * size, modified=2e9)
        received += raw_http.read_to_end(connection)
    answer = raw_http.parse_answer(received)
    assert answer.headers["content-length"] == str(size)
    assert 0 < len(answer.body) < size
    assert answer.body.count(b"a") == len(answer.body)


def test_a_file_that_grows_while_it_is_sent_arrives_with_the_size_it_had(directory: DirectoryTree) -> None:
    whole = os.urandom(16 * MIB)
    directory.put("ci.log", whole)
    log = directory.root / "ci.log"
    with (
        live_server(directory.app()) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        ask_on(connection, b"/ci.log", b"Connection: close")
        received = connection.recv(65536)
        while block := connection.recv(MIB):
            with log.open("ab") as file:
                file.write(b"one more line\n" * 1000)
            received += block
    answer = raw_http.parse_answer(received)
    assert answer.headers["content-length"] == str(len(whole))
    assert answer.body == whole


def test_a_log_that_is_written_all_the_time_can_be_had(directory: DirectoryTree) -> None:
    directory.put("ci.log", b"begun\n")
    log, is_over = directory.root / "ci.log", threading.Event()

    def write() -> None:
        with log.open("ab", buffering=0) as file:
            while not is_over.wait(0.02):
                file.write(b"one more line\n")

    writer = threading.Thread(target=write)
    with client_of(directory.app()) as client:
        writer.start()
        try:
            answers = [client.get("/ci.log") for _ in range(50)]
        finally:
            is_over.set()
            writer.join(PATIENCE)
    written = log.read_bytes()
    for answer in answers:
        assert answer.status_code == 200
        assert len(answer.content) == int(answer.headers["content-length"]) > 0
        assert written.startswith(answer.content)


def test_a_file_that_is_rewritten_to_a_larger_one_is_cut(directory: DirectoryTree) -> None:
    size = 64 * MIB
    directory.put("f.bin", b"a" * size)
    with (
        live_server(directory.app()) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        ask_on(connection, b"/f.bin")
        received = b""
        while not received.partition(b"\r\n\r\n")[2]:  # the head may come alone
            received += connection.recv(65536)
        directory.put("f.bin", b"b" * (size + 1), modified=2e9)
        received += raw_http.read_to_end(connection)
    answer = raw_http.parse_answer(received)
    assert 0 < len(answer.body) < size
    assert answer.body.count(b"a") == len(answer.body)


def test_a_file_of_many_megabytes_goes_out_in_constant_memory(tmp_path: Path) -> None:
    size = 256 * MIB + 1
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/big.bin").touch()
    os.truncate(tmp_path / "tree/big.bin", size)
    with run_pierhead(f"file://{tmp_path}/tree", tmp_path) as server:
        port = httpx.URL(server.url).port
        assert port
        discard(port, b"Range: bytes=0-9999999")
        before = peak_memory(server.pid)
        assert discard(port, b"Accept: */*") > size
        assert peak_memory(server.pid) - before < 32 * MIB


def discard(port: int, line: bytes) -> int:
    """Download into nothing; the number of bytes that came, head included."""
    total, buffer = 0, bytearray(MIB)
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        ask_on(connection, b"/big.bin", line)
        while count := connection.recv_into(buffer):
            total += count
    return total


def peak_memory(pid: int) -> int:
    """The most memory that a process has had so far, in bytes."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) * 1024
