"""Request bodies that do not come: they have a deadline, and what is not the client's fault does not count."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from app.server.patience import Patience
from app.server.protocol import BoundedHttpProtocol
from tests.support.attacks import assert_refused, assert_well, attacked_app, connect
from tests.support.live_server import LiveServer, app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import exchange, parse_answer, read_to_end, request

pytestmark = pytest.mark.usefixtures("still_well")

BODY_SECONDS = 0.3
LARGE = b"x" * (16 * 1024 * 1024)
FORM = b"POST /license HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def impatient(body_seconds: float = BODY_SECONDS) -> partial[BoundedHttpProtocol]:
    """Waits for a body no longer than a test can, and for a head as long as ever."""
    return partial(BoundedHttpProtocol, patience=Patience(body=body_seconds))


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with live_server(attacked_app(), http=impatient()) as running:
        yield running


@pytest.mark.parametrize(
    "begun",
    [
        b"Content-Length: 5\r\n\r\n",
        b"Content-Length: 5\r\n\r\nabcd",
        b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n",
    ],
)
def test_a_body_that_does_not_end_in_time_is_refused(server: LiveServer, begun: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(FORM + begun)
        received = read_to_end(connection).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert_refused(parse_answer(received), 408)
    assert_well(server)


def test_a_body_that_does_not_come_is_no_failure_of_the_server(server: LiveServer) -> None:
    with connect(server) as connection:
        connection.sendall(FORM + b"Content-Length: 5\r\n\r\n")
        read_to_end(connection)
    metrics = server.metrics()
    assert 'pierhead_page_duration_seconds_count{cache="",route="licence-answer",status="408"}' in metrics
    assert 'status="500"' not in metrics


def test_a_body_that_trickles_in_is_refused_all_the_same(server: LiveServer) -> None:
    with connect(server) as connection:
        connection.settimeout(BODY_SECONDS / 10)
        connection.sendall(FORM + b"Content-Length: 1000\r\n\r\n")
        received = b""
        for _ in range(100):
            try:
                received = connection.recv(65536)
                break
            except TimeoutError:
                connection.sendall(b"x")
        assert_refused(parse_answer(received), 408)


def test_the_body_of_the_second_request_has_the_same_time(server: LiveServer) -> None:
    with connect(server) as connection:
        connection.sendall(request(b"GET", b"/healthz").replace(b"Connection: close\r\n", b""))
        connection.sendall(FORM + b"Content-Length: 5\r\n\r\nab")
        answers = read_to_end(connection).split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in answers] == [b"", b"200", b"408"]


def test_a_body_that_came_in_time_is_no_longer_waited_for(server: LiveServer) -> None:
    with connect(server) as connection:
        connection.sendall(FORM + b"Content-Length: 5\r\n\r\nabcde")
        received = connection.recv(65536)
        with connect(server) as late:  # whose deadline began after the one of the first would have
            late.sendall(FORM + b"Content-Length: 5\r\n\r\n")
            read_to_end(late)
        connection.sendall(request(b"GET", b"/healthz"))
        received += read_to_end(connection)
    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert b" 408 " not in received


def test_a_download_outlives_the_body_of_its_request() -> None:
    """The answer has begun without the body: neither is cut off."""
    store = MemoryStore()
    store.put("large.bin", LARGE)
    with live_server(app_over(store), http=impatient(2.0)) as server, connect(server) as connection:
        connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n")
        received = bytearray(connection.recv(1))
        with connect(server) as late:
            late.sendall(FORM + b"Content-Length: 5\r\n\r\n")
            assert b" 408 " in read_to_end(late)
        connection.sendall(b"abcde" + request(b"GET", b"/healthz"))
        received += read_to_end(connection)
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body.startswith(LARGE)
    assert body.endswith(b'{"status":"ok"}')


def test_a_body_that_is_no_body_spoils_no_answer_before_it(server: LiveServer) -> None:
    get = b"GET /public/a.txt HTTP/1.1\r\nHost: t\r\n\r\n"
    received = exchange(server.port, get * 3 + FORM + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.endswith(b"0123456789" * 100)
