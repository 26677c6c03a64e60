"""Connections on which requests come in pieces, in heaps, too slowly, or without an end."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Iterator
from functools import partial
from itertools import repeat

import pytest

from app.server.patience import Patience
from app.server.protocol import BoundedHttpProtocol
from app.server.refusals import MAX_HEAD_BYTES
from tests.support.attacks import assert_refused, assert_well, attacked_app, connect
from tests.support.live_server import LiveServer, app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import ask, exchange, parse_answer, read_to_end, request

pytestmark = pytest.mark.usefixtures("still_well")

HEAD_SECONDS = 0.3
FILE = b"/public/a.txt"
GET_FILE = b"GET /public/a.txt HTTP/1.1\r\nHost: test\r\n\r\n"
GET_LARGE = b"GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n"
LARGE = b"x" * (32 * 1024 * 1024)
FORM = (b"Content-Type: application/x-www-form-urlencoded", b"Transfer-Encoding: chunked")

ENDLESS = 32 * 1024 * 1024
"""What stands for endless: far more than the server may ever hold."""
MOST_HELD = 4 * 1024 * 1024


@pytest.fixture(scope="module")
def hasty() -> Iterator[LiveServer]:
    """A server that waits for a head no longer than a test can."""
    protocol = partial(BoundedHttpProtocol, patience=Patience(head=HEAD_SECONDS))
    with live_server(attacked_app(), http=protocol) as running:
        yield running


def large_tree() -> MemoryStore:
    """A file that fills every buffer between the server and a client that does not read."""
    store = MemoryStore()
    store.put("large.bin", LARGE)
    return store


# --- pieces and heaps


def test_a_request_may_come_byte_by_byte(server: LiveServer) -> None:
    data = request(b"GET", FILE, b"Range: bytes=0-9")
    assert ask(server.port, (data[n : n + 1] for n in range(len(data)))).body == b"0123456789"


def test_requests_in_one_heap_are_answered_in_order(server: LiveServer) -> None:
    ranges = (
        b"GET /public/a.txt HTTP/1.1\r\nHost: t\r\nRange: bytes=%d-%d\r\n\r\n" % (n, n) for n in range(50)
    )
    received = exchange(server.port, b"".join(ranges) + request(b"GET", b"/healthz"))
    assert received.count(b"HTTP/1.1 206 ") == 50
    bodies = [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 ")[1:-1]]
    assert b"".join(bodies) == b"0123456789" * 5


@pytest.mark.parametrize(
    "garbage", [b"garbage\r\n\r\n", b"\x00", b"G\xff /\r\n", b"GET / HTTP/1.1\r\nno\r\n"]
)
def test_garbage_behind_a_request_spoils_no_answer(server: LiveServer, garbage: bytes) -> None:
    answer = parse_answer(exchange(server.port, GET_FILE + garbage))
    assert answer.status == 200
    assert answer.body == b"0123456789" * 100  # and nothing behind it


def test_garbage_behind_an_answer_is_refused(server: LiveServer) -> None:
    with connect(server) as connection:
        connection.sendall(GET_FILE)
        received = b""
        while not received.endswith(b"0123456789" * 100):
            received += connection.recv(65536)
        connection.sendall(b"garbage\r\n\r\n")
        # Where the server has not yet noted the end of its answer, it says nothing more on this connection.
        if last_words := read_to_end(connection):
            assert_refused(parse_answer(last_words), 400)


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"TLS/1.0", b"\xff"])
def test_a_request_to_upgrade_is_answered_as_if_it_had_not_asked(server: LiveServer, protocol: bytes) -> None:
    upgrade = (
        b"GET /public/a.txt HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % protocol
    )
    received = exchange(server.port, upgrade + upgrade + request(b"GET", b"/healthz"))
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.endswith(b'{"status":"ok"}')


def test_trailers_are_no_headers(server: LiveServer) -> None:
    body = b"0\r\nAuthorization: Bearer x\r\nLicense-Accepted: x\r\nHost: other\r\n\r\n"
    for target, status in ((FILE, 200), (b"/eula/x.img", 403)):
        answer = ask(server.port, request(b"GET", target, b"Transfer-Encoding: chunked", body=body))
        assert answer.status == status


def test_a_large_body_that_nobody_asked_for_is_passed_over(server: LiveServer) -> None:
    head = b"GET /public/a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % (4 * MAX_HEAD_BYTES)
    received = exchange(server.port, head + b"x" * (4 * MAX_HEAD_BYTES) + request(b"GET", b"/healthz"))
    assert received.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "chunk", [b"x\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabcdefgh\r\n", b"\x00"]
)
def test_a_chunk_that_is_none_is_refused(server: LiveServer, chunk: bytes) -> None:
    assert_refused(ask(server.port, request(b"POST", b"/license", *FORM, body=chunk)), 400)
    get = request(b"GET", FILE, b"Transfer-Encoding: chunked", body=chunk)
    assert_refused(ask(server.port, get), 400)


# --- cut


@pytest.mark.parametrize("length", [1, 3, 20, 40, -1])
def test_a_request_cut_in_the_middle_is_forgotten(server: LiveServer, length: int) -> None:
    with connect(server) as connection:
        connection.sendall(GET_FILE[:length])
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""


@pytest.mark.parametrize("lines", [(b"Content-Length: 100",), (b"Transfer-Encoding: chunked",)])
def test_a_form_cut_in_the_middle_is_forgotten(server: LiveServer, lines: tuple[bytes, ...]) -> None:
    with connect(server) as connection:
        connection.sendall(request(b"POST", b"/license", FORM[0], *lines, body=b"5\r\nabcde"))
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""


def test_a_client_that_leaves_before_its_answer_is_forgotten(server: LiveServer) -> None:
    for data in (GET_FILE, GET_FILE * 50, request(b"GET", b"/?recursive=true"), b"garbage\r\n\r\n"):
        connect(server).close()
        with connect(server) as connection:
            connection.sendall(data)


def test_a_client_that_leaves_in_the_middle_of_several_answers_is_forgotten() -> None:
    with live_server(app_over(large_tree())) as server, connect(server) as connection:
        connection.sendall(GET_LARGE * 3)
        assert connection.recv(1)


# --- slow


def test_a_client_that_never_begins_is_closed_without_a_word(hasty: LiveServer) -> None:
    with connect(hasty) as connection:
        assert read_to_end(connection) == b""


@pytest.mark.parametrize("begun", [b"\r\n", b"G", b"GET /", b"GET / HTTP/1.1\r\n", GET_FILE[:-2]])
def test_a_head_that_does_not_end_in_time_is_refused(hasty: LiveServer, begun: bytes) -> None:
    with connect(hasty) as connection:
        connection.sendall(begun)
        received = read_to_end(connection)
    if begun == b"\r\n":
        assert received == b""
    else:
        assert_refused(parse_answer(received), 408)
    assert_well(hasty)


def test_a_head_that_trickles_in_is_refused_all_the_same(hasty: LiveServer) -> None:
    with connect(hasty) as connection:
        connection.settimeout(HEAD_SECONDS / 10)
        connection.sendall(GET_FILE[:-2])
        received = b""
        for _ in range(100):
            try:
                received = connection.recv(65536)
                break
            except TimeoutError:
                connection.sendall(b"X: y\r\n")
        assert_refused(parse_answer(received), 408)


def test_the_second_head_of_a_connection_has_the_same_time(hasty: LiveServer) -> None:
    with connect(hasty) as connection:
        connection.sendall(GET_FILE + GET_FILE[:-2])
        answers = read_to_end(connection).split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in answers] == [b"", b"200", b"408"]


def wait_beyond_the_time_for_a_head(server: LiveServer) -> None:
    for _ in range(2):
        with connect(server) as idle:
            assert read_to_end(idle) == b""


def test_a_client_between_two_requests_may_take_its_time(hasty: LiveServer) -> None:
    with connect(hasty) as connection:
        connection.sendall(GET_FILE)
        received = b""
        while not received.endswith(b"0123456789" * 100):
            received += connection.recv(65536)
        wait_beyond_the_time_for_a_head(hasty)
        connection.sendall(request(b"GET", b"/healthz"))
        assert read_to_end(connection).endswith(b'{"status":"ok"}')


def test_what_waits_for_an_answer_under_way_is_not_late() -> None:
    """A client that reads slowly holds back the requests behind, and the server stops reading them."""
    protocol = partial(BoundedHttpProtocol, patience=Patience(head=HEAD_SECONDS))
    with live_server(app_over(large_tree()), http=protocol) as server, connect(server) as connection:
        connection.sendall(GET_LARGE * 2 + GET_LARGE[:-2])
        received = connection.recv(1)
        wait_beyond_the_time_for_a_head(server)
        received += read_to_end(connection)
    first, second, late = received.split(b"HTTP/1.1 ")[1:]
    assert first.endswith(LARGE)
    assert second.endswith(LARGE)
    assert late.startswith(b"408 ")


# --- without an end


def endless(piece: bytes) -> Iterator[bytes]:
    many = piece * (65536 // len(piece))
    return repeat(many, ENDLESS // len(many))


def stream(*parts: bytes | Iterator[bytes]) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, bytes):
            yield part
        else:
            yield from part


@pytest.mark.parametrize(
    ("statuses", "parts"),
    [
        ((414,), (b"GET /", b"a")),
        ((414,), (b"GET /?", b"a=b&")),
        ((400,), (b"", b"GET")),
        ((431,), (b"GET / HTTP/1.1\r\nX: ", b"a")),
        ((431,), (b"GET / HTTP/1.1\r\n", b"a")),
        ((431,), (b"GET / HTTP/1.1\r\n", b"X: y\r\n")),
        ((431,), (b"GET / HTTP/1.1\r\nX: ", b" ")),
        ((400, 431), (b"GET / HTTP/1.1\r\nCookie: a\r\n", b" b\r\n")),
    ],
    ids=range(8),
)
def test_a_head_without_an_end_is_refused_in_bounded_memory(
    server: LiveServer, statuses: tuple[int, ...], parts: tuple[bytes, bytes]
) -> None:
    tracemalloc.start()
    try:
        answer = ask(server.port, stream(parts[0], endless(parts[1])))
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert_refused(answer, *statuses)
    assert held < MOST_HELD


@pytest.mark.parametrize(
    "parts",
    [
        (b"0\r\nX: ", b"a"),  # a trailer
        (b"0\r\n", b"X: y\r\n"),  # trailers
        (b"1;", b"x"),  # a chunk's extension
        (b"", b"1\r\na\r\n"),  # chunks of one byte
        (b"%x\r\n" % ENDLESS, b"a"),  # a chunk
    ],
    ids=range(5),
)
@pytest.mark.parametrize("target", [(b"GET", FILE), (b"POST", b"/license")])
def test_a_body_without_an_end_is_bounded_too(
    server: LiveServer, target: tuple[bytes, bytes], parts: tuple[bytes, bytes]
) -> None:
    head = request(*target, *FORM).replace(b"Connection: close\r\n", b"")
    tracemalloc.start()
    try:
        received = exchange(
            server.port, stream(head, parts[0], endless(parts[1]), b"\r\n0\r\n\r\nbad\r\n\r\n")
        )
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < MOST_HELD
    if received:  # where so much came before the answer that it was too late for one
        assert parse_answer(received).status in (200, 400, 403, 431)


def test_a_refused_client_can_say_all_it_has_before_it_reads_why(server: LiveServer) -> None:
    with connect(server) as connection:
        for piece in stream(b"GET / HTTP/1.1\r\nX: ", endless(b"a")):
            connection.sendall(piece)
        assert_refused(parse_answer(read_to_end(connection)), 431)


def test_a_head_below_the_bound_is_the_applications_to_refuse(server: LiveServer) -> None:
    line = b"X: " + b"a" * (MAX_HEAD_BYTES - 1024)
    answer = ask(server.port, request(b"GET", b"/healthz", line))
    assert_refused(answer, 431)
    assert "x-pierhead-replica" in answer.headers


def test_many_clients_that_never_end_hinder_nobody(server: LiveServer) -> None:
    held = [connect(server) for _ in range(100)]
    try:
        for number, connection in enumerate(held):
            connection.sendall(GET_FILE[: number % len(GET_FILE)])
        assert_well(server)
    finally:
        for connection in held:
            connection.close()
