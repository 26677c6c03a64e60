"""The fast path against the full path, byte for byte: methods, fields, conditions, head sizes, and how they are cut."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.telemetry import AccessLine, JsonAccessLog
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import ask, read_to_end, request
from tests.support.waiting import PATIENCE

METHODS = [b"GET", b"HEAD", b"DELETE", b"POST", b"PUT", b"OPTIONS", b"PATCH", b"TRACE"]
LAST = b"GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
FIELDS = [
    b"Accept: application/json",
    b"Accept: text/plain;q=0.5, application/x-ndjson",
    b"Accept: text/html\r\nAccept: text/plain",
    b"Accept-Encoding: gzip",
    b"Accept-Encoding: br;q=0, zstd",
    b"Accept-Language: de",
    b"Authorization: Bearer nonsense",
    b"Cache-Control: no-cache",
    b"Content-Length: 0",
    b"Content-Length: 4\r\n\r\nbody",
    b"Cookie: pierhead_accepted=nonsense",
    b"Connection: keep-alive",
    b"Expect: 100-continue",
    b"Forwarded: for=192.0.2.1",
    b"If-Match: *",
    b"If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT",
    b"If-None-Match: *",
    b"If-None-Match: $TAG",
    b"If-None-Match: W/$TAG",
    b'If-None-Match: "x", $TAG',
    b"If-None-Match: $TAG\r\nIf-None-Match: $TAG",
    b'If-None-Match: "x"',
    b"If-None-Match: $TAG\r\nX: " + b"x" * 2000,
    b"License-Accepted: nonsense",
    b"Range: bytes=0-3",
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade",
    b"User-Agent: \xff\xfe",
    b"User-Agent: one\r\nUser-Agent: two",
    b"X-Forwarded-For: 192.0.2.1, 10.0.0.1",
    b"X-Forwarded-For: nonsense",
    b"X-Request-Id: known-1",
    b"X-Request-Id: not one",
    b"X-Request-Id: one\r\nX-Request-Id: two",
    b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=b",
    b"Host: two",
    *[b"X: " + b"x" * size for size in (1, 900, 950, 1000, 1024, 1100, 5000, 20_000, 70_000)],
    b"\r\n".join([b"X: x"] * 70),
]

MADE_ID_LENGTH = 32


def _steady(line: AccessLine) -> AccessLine:
    """Without what differs from one time to the next: the full path makes an id where the client gave none."""
    made = line.request_id if len(line.request_id) < MADE_ID_LENGTH else ""
    return line._replace(seconds=0, cache="", request_id=made)


class Sides:
    """One tree behind two servers, the second without a fast path; and what both have logged."""

    def __init__(self, fast: int, full: int, lines: list[AccessLine]) -> None:
        self.ports = (fast, full)
        self.lines = lines
        self.tag = ask(full, request(target=b"/a/?format=text")).headers["etag"].encode()

    def compare(self, pieces: list[bytes]) -> bytes:
        """Send this to both, assert that they say and log the same, and return what they said."""
        said, logged = [], []
        for port in self.ports:
            self.lines.clear()
            said.append(steady(send_in_pieces(port, [piece.replace(b"$TAG", self.tag) for piece in pieces])))
            logged.append([_steady(line) for line in self.lines])
        assert said[0] == said[1]
        assert logged[0] == logged[1]
        return said[0]


def send_in_pieces(port: int, pieces: list[bytes]) -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        return read_to_end(connection)


def steady(answers: bytes) -> bytes:
    """Without what differs from one second to the next; that it is there stays."""
    return re.sub(rb"(?im)^(date|age|x-accel-expires): [^\r]+", rb"\1: $", answers)


class _NeverAtHand:
    takes_passwords = False

    def read(self, *_: object) -> None:
        """Leave every request to the full path."""


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    lines: list[AccessLine] = []
    with pytest.MonkeyPatch.context() as patched, ExitStack() as held:
        patched.setattr(JsonAccessLog, "write", lambda _, line: lines.append(line))
        patched.setattr(
            JsonAccessLog,
            "repeated",
            lambda _, line: lambda seconds: lines.append(line._replace(seconds=seconds)),
        )
        ports = []
        for is_fast in (True, False):
            store = MemoryStore()
            store.put("a/file.img", b"content")
            app = app_over(store, cache_ttl=600, cache_grace=600, cache_max_stale=6000, log_format="json")
            if not is_fast:
                patched.setattr(app.fast_path, "_reader", _NeverAtHand())
            ports.append(held.enter_context(live_server(app)).port)
            for form in (b"", b"?format=text"):
                ask(ports[-1], request(target=b"/a/" + form))
        yield Sides(ports[0], ports[1], lines)


@pytest.mark.parametrize("target", [b"/a/", b"/a/?format=text", b"/a/?format=json", b"/a/file.img"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method(sides: Sides, method: bytes, target: bytes) -> None:
    head = method + b" " + target + b" HTTP/1.1\r\nHost: t\r\n\r\n"
    assert b"\r\ndate: $\r\n" in sides.compare([head + LAST])
    sides.compare([head, LAST])


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_every_field_and_size_of_a_head(sides: Sides, method: bytes, field: bytes) -> None:
    head = method + b" /a/?format=text HTTP/1.1\r\nHost: t\r\n" + field + b"\r\n\r\n"
    sides.compare([head + LAST])
    sides.compare([head, head, LAST])


@pytest.mark.parametrize("cut", [1, 4, 20, 30, -3, -2, -1])
def test_however_the_bytes_are_cut(sides: Sides, cut: int) -> None:
    head = b"GET /a/?format=text HTTP/1.1\r\nHost: t\r\n\r\n"
    assert sides.compare([head + head[:cut], head[cut:] + LAST]).count(b"HTTP/1.1 200 OK") == 3
    assert sides.compare([head[:cut], head[cut:] + head + head + LAST]).count(b"HTTP/1.1 200 OK") == 4
    assert sides.compare([head + head, LAST]).count(b"HTTP/1.1 200 OK") == 3
    sides.compare([head + head[:cut] + b"\x00"])


@pytest.mark.parametrize("behind", [b"x", b"\r\n", b"\x00", b"GET", b"nonsense\r\n\r\n", b"x" * 2000])
def test_bytes_behind_a_request(sides: Sides, behind: bytes) -> None:
    assert b"200 OK" in sides.compare([b"GET /a/?format=text HTTP/1.1\r\nHost: t\r\n\r\n" + behind + LAST])


def test_a_second_request_without_host_in_the_same_segment(sides: Sides) -> None:
    # Taken for one request, the two would have just one Host between them.
    head = b"GET /a/?format=text HTTP/1.1\r\nHost: t\r\n\r\n"
    for port in sides.ports:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.sendall(head + b"GET /a/?format=text HTTP/1.1\r\n\r\n")
            # Only when an answer has come is the next segment one of its own.
            answers = connection.recv(1)
            connection.sendall(LAST)
            answers += read_to_end(connection)
        assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"400", b"200"]


def test_the_log_tells_the_two_apart(sides: Sides) -> None:
    head = b"GET /a/?format=text HTTP/1.1\r\nHost: t\r\n\r\n"
    sides.compare([head + LAST])
    came_from = []
    for port in sides.ports:
        sides.lines.clear()
        send_in_pieces(port, [head, LAST])
        came_from.append(sides.lines[0].cache)
    assert came_from == ["fast", "fresh"]


@pytest.mark.parametrize(
    "target",
    [
        *(
            b"/./a/",
            b"//a/",
            b"/a//",
            b"/a/.",
            b"/a/b/..",
            b"/%2e/a/",
            b"/a/%2E%2e/a/",
            b"/x/../a/?format=text",
        ),
        *(
            b"/a/./file.img",
            b"//a//file.img",
            b"/../a/",
            b"/%2e%2e/a/",
            b"/a/..%2fa/",
            b"/a/\xc3\xbc",
            b"http://t/a/",
            b"http://t",
        ),
        *(b"/a/../healthz", b"/./api/ls/a/"),
    ],
)
def test_paths_that_are_not_canonical(sides: Sides, target: bytes) -> None:
    sides.compare([b"GET " + target + b" HTTP/1.1\r\nHost: t\r\n\r\n" + LAST])
