"""Clients that say nothing more and read on, as `nc -N` does, and those that only look like it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.server.fast_path import WriteAnswer
from app.server.patience import Patience
from app.server.protocol import BoundedHttpProtocol
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.live_server import LiveServer, app_for, app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import exchange, parse_answer
from tests.support.site_trees import DirectoryTree
from tests.support.switched_s3 import BUCKET, run_switched_s3
from tests.support.waiting import PATIENCE, wait_until
from tests.support.watched_store import WatchedStore

LARGE = bytes(range(256)) * 4096 * 8
"""More than fits between a server and a client that does not read yet."""
FILES = {
    "f": b"small",
    "large.bin": LARGE,
    **{f"many/file-{number:05}.bin": b"x" for number in range(3000)},
}
CACHED: dict[str, Any] = {"cache_ttl": 600, "cache_grace": 600, "cache_max_stale": 600}
SHORT = 0.4
"""Seconds that a server waits for a half-closed client where a test waits for that."""


def get(target: str, version: str = "1.1", *lines: str) -> bytes:
    """A request of a client that would stay."""
    head = "".join(f"{line}\r\n" for line in ("Host: test", *lines))
    return f"GET {target} HTTP/{version}\r\n{head}\r\n".encode()


def hasty_protocol() -> Any:
    return partial(BoundedHttpProtocol, patience=Patience(half_closed=SHORT))


@pytest.fixture(scope="module", params=["directory", "bucket"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The same files from a directory, and streamed from a bucket."""
    with pytest.MonkeyPatch.context() as environment:
        if request.param == "directory":
            tree = DirectoryTree(tmp_path_factory.mktemp("tree"))
            for path, content in FILES.items():
                tree.put(path, content)
            with live_server(tree.app(**CACHED)) as running:
                yield running
        else:
            with run_switched_s3(FILES) as s3:
                point_aws_at(environment, S3Endpoint(s3.url))
                with live_server(app_for(f"s3://{BUCKET}", delivery="proxy", **CACHED)) as running:
                    yield running


def form(framing: str) -> bytes:
    """The head of a request that cannot be answered before its body is read."""
    head = get("/license", "1.1", "Content-Type: application/x-www-form-urlencoded", framing)
    return head.replace(b"GET", b"POST", 1)


def asked(server: LiveServer, data: bytes, **options: Any) -> tuple[int, str, bytes]:
    """Status, media type and body of an answer; a boundary, which is another each time, by one name."""
    answer = parse_answer(exchange(server.port, data, **options))
    media_type, _, boundary = answer.headers["content-type"].partition('; boundary="')
    mark = boundary.rstrip('"').encode()
    return answer.status, media_type, answer.body.replace(mark, b"boundary") if mark else answer.body


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/f", ()),
        ("/f", ("Connection: close",)),
        ("/f", ("Range: bytes=1-2",)),
        ("/large.bin", ()),
        ("/large.bin", ("Range: bytes=1-2,100-2000000",)),
        ("/many/", ()),
        ("/many/", ("Accept: text/html",)),
        ("/?recursive=true&format=ndjson", ()),
        ("/?manifest=sha256sums", ()),
        ("/api/ls/many/", ()),
        ("/license", ()),
        ("/healthz", ()),
        ("/none", ()),
        ("/many", ()),
    ],
)
def test_a_client_that_half_closes_gets_the_whole_answer(
    server: LiveServer, version: str, target: str, lines: tuple[str, ...]
) -> None:
    usual = asked(server, get(target, version, *lines, "Connection: close"))
    for _ in range(2):  # the second time from memory, where that can be
        assert asked(server, get(target, version, *lines), half_close=True) == usual


def test_all_that_was_asked_before_is_answered(server: LiveServer) -> None:
    several = get("/f") + get("/large.bin") + get("/many/") + get("/f") + get("/f")
    answers = exchange(server.port, several, half_close=True).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200"] * 5
    assert [len(answer.partition(b"\r\n\r\n")[2]) for answer in answers[:2]] == [5, len(LARGE)]
    assert answers[4].endswith(b"small")


@pytest.mark.parametrize(
    "rest",
    [
        b"G",
        get("/f")[:-2],
        form("Content-Length: 10") + b"12345",
        form("Transfer-Encoding: chunked") + b"5\r\n12",
        b"garbage\r\n\r\n",
    ],
)
def test_what_is_not_whole_is_not_answered(server: LiveServer, rest: bytes) -> None:
    received = exchange(server.port, get("/large.bin") + rest, half_close=True)
    assert parse_answer(received).body == LARGE
    assert exchange(server.port, rest, half_close=True).partition(b" ")[2][:3] in (b"", b"400")


def test_a_form_is_answered(server: LiveServer) -> None:
    post = form("Content-Length: 8") + b"lic=none"
    assert asked(server, post, half_close=True) == asked(
        server, post.replace(b"test", b"test\r\nConnection: close")
    )


# --- those that have gone, or do not read


def hanging(**options: Any) -> WatchedStore:
    store = WatchedStore(1 << 40, **options)
    store.put("f.bin", b"x")
    return store


def has_counted_the_abort(server: LiveServer) -> bool:
    """Whether a download is over, and counted as one that its client gave up."""
    counted = server.metrics()
    return 'pierhead_downloads_aborted_total{cause="client",route="file-stream"} 1.0' in counted


@pytest.mark.parametrize("closes", [True, False], ids=["gone", "half-closed"])
@pytest.mark.parametrize("breaks_at", [10, None], ids=["source hangs", "source is endless"])
def test_a_client_to_which_nothing_can_be_sent_is_let_go(closes: bool, breaks_at: int | None) -> None:
    store = hanging(breaks_at=breaks_at)
    with (
        live_server(app_over(store), http=hasty_protocol()) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        connection.sendall(get("/f.bin"))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1)
        if closes:
            connection.close()
        assert store.released.wait(PATIENCE)
        assert wait_until(lambda: has_counted_the_abort(server), PATIENCE)


def test_a_client_that_has_gone_is_noticed_at_the_first_byte_it_does_not_take() -> None:
    """Long before a half-closed one would be given up."""
    store = hanging(breaks_at=100_000)
    with live_server(app_over(store)) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(get("/f.bin"))
            connection.shutdown(socket.SHUT_WR)
        assert store.released.wait(PATIENCE)


def test_a_half_closed_client_may_read_slowly() -> None:
    """Longer than one may read nothing, as long as it reads."""
    store = MemoryStore()
    store.put("large.bin", LARGE)
    with (
        live_server(app_over(store), http=hasty_protocol()) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
        connection.sendall(get("/large.bin"))
        connection.shutdown(socket.SHUT_WR)
        received = bytearray()
        while chunk := connection.recv(256 * 1024):
            received += chunk
        assert parse_answer(bytes(received)).body == LARGE


def half_closed_connections(port: int) -> int:
    """How many the server's side of this process still holds: those in CLOSE_WAIT."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(f":{port:04X}") and state == "08" for _, local, _, state, *_ in rows)


class AtOnce:
    """An application that answers whatever comes by one write, as from memory."""

    def __init__(self) -> None:
        self.fast_path = self

    def read(self, head: bytes, client: object, scheme: str) -> bytes:
        return head

    def answer(self, request: bytes, write: WriteAnswer) -> bool:
        write(200, b"content-length: %d\r\n" % len(LARGE), LARGE)
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


def test_an_answer_from_memory_that_nobody_reads_does_not_stay() -> None:
    """Nothing is under way, but the connection waits for its bytes to be taken."""
    with (
        live_server(AtOnce(), http=hasty_protocol()) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        connection.sendall(get("/f"))
        connection.shutdown(socket.SHUT_WR)
        assert wait_until(lambda: half_closed_connections(server.port) == 1, PATIENCE)
        assert wait_until(lambda: half_closed_connections(server.port) == 0, PATIENCE)
