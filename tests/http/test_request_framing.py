"""Request lines and framings that a proxy in front may read otherwise: refused alone, warm, and behind another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.attacks import assert_refused, attacked_app
from tests.support.live_server import LiveServer, live_server
from tests.support.raw_http import CLOSE, ask, exchange, parse_answer, request

pytestmark = pytest.mark.usefixtures("still_well")

WARM = b"GET /public/ HTTP/1.1\r\nHost: test\r\n\r\n"

LINES = [
    (b"GET /public/", 400),
    (b"GET /public/ ", 400),
    (b"GET  /public/ HTTP/1.1", 400),
    (b"GET /public/  HTTP/1.1", 400),
    (b"GET /public/ HTTP/1.1 ", 400),
    (b" GET /public/ HTTP/1.1", 400),
    (b"GET\t/public/ HTTP/1.1", 400),
    (b"GET /public/\tHTTP/1.1", 400),
    (b"GET /public/ x HTTP/1.1", 400),
    (b"GET /public/ RTSP/1.0", 400),
    (b"DESCRIBE /public/ RTSP/1.0", 400),
    (b"SOURCE /public/ ICE/1.0", 400),
    (b"GET /public/ http/1.1", 400),
    (b"GET /public/ HTTP/11", 400),
    (b"GET /public/ HTTP/1.10", 400),
    (b"GET /public/ HTTP/0.9", 505),
    (b"GET /public/ HTTP/1.2", 400),
    (b"GET /public/ HTTP/2.0", 505),
    (b"PRI * HTTP/2.0", 505),
    (b"get /public/ HTTP/1.1", 400),
    (b"GET ftp://test/public/ HTTP/1.1", 400),
    (b"GET ws://test/public/ HTTP/1.1", 400),
    (b"GET http://user:word@test/public/ HTTP/1.1", 400),
    (b"GET http:///a b/public/ HTTP/1.1", 400),
    (b"GET javascript:x HTTP/1.1", 400),
    (b"GET * HTTP/1.1", 400),
    (b"GET public/ HTTP/1.1", 400),
    (b"GET ?format=text HTTP/1.1", 400),
    (b"GET test:80 HTTP/1.1", 400),
    (b"CONNECT test:80 HTTP/1.1", 400),
    (b"GET /public/#part HTTP/1.1", 400),
    (b"GE\xe4 /public/ HTTP/1.1", 400),
    (b"GET /public/\x00 HTTP/1.1", 400),
]

ENDS = [
    (b"HTTP/1.0", b"chunked", 400),
    (b"HTTP/1.1", b"gzip, chunked", 501),
    (b"HTTP/1.1", b"gzip\r\nTransfer-Encoding: chunked", 501),
    (b"HTTP/1.1", b"gzip", 400),
    (b"HTTP/1.1", b"identity", 400),
    (b"HTTP/1.1", b"xchunked", 400),
    (b"HTTP/1.1", b"chunked;q=1", 400),
    (b"HTTP/1.1", b"chunked, gzip", 400),
    (b"HTTP/1.1", b"chunked, chunked", 400),
    (b"HTTP/1.1", b"chunked\r\nTransfer-Encoding: chunked", 400),
    (b"HTTP/1.1", b", chunked", 400),
    (b"HTTP/1.1", b"", 400),
    (b"HTTP/1.1", b"chunked\r\nContent-Length: 5", 400),
]

REFUSED = [
    *[(line + b"\r\n" + CLOSE + b"\r\n", status) for line, status in LINES],
    *[
        (
            b"GET /public/ "
            + version
            + b"\r\n"
            + CLOSE
            + b"Transfer-Encoding: "
            + coding
            + b"\r\n\r\n0\r\n\r\n",
            s,
        )
        for version, coding, s in ENDS
    ],
]
"""Each with the status that it is refused with."""

UNUSUAL = [
    b"\r\n\r\nGET /public/ HTTP/1.1\r\n",
    b"GET http://test/public/ HTTP/1.1\r\n",
    b"GET HTTP://test:80/public/ HTTP/1.1\r\n",
    b"GET https://other/public/ HTTP/1.1\r\n",
    b"GET /public/ HTTP/1.0\r\n",
]
"""Request lines that are rare, and right."""


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with live_server(attacked_app()) as running:
        ask(running.port, request(target=b"/public/"))
        yield running


@pytest.mark.parametrize(("data", "status"), REFUSED)
def test_a_request_that_others_may_read_otherwise_is_refused(
    server: LiveServer, data: bytes, status: int
) -> None:
    assert_refused(ask(server.port, data), status)
    assert_refused(ask(server.port, (data[at : at + 1] for at in range(len(data)))), status)


@pytest.mark.parametrize(("data", "status"), REFUSED)
def test_it_is_refused_behind_others_too_and_spoils_none(
    server: LiveServer, data: bytes, status: int
) -> None:
    chunked = (
        b"GET /public/a.txt HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    )
    counted = b"GET /public/a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
    for before in (WARM, WARM + WARM, counted, chunked, counted + chunked + counted):
        asked = before.count(b" HTTP/1.1\r\n")
        received = exchange(server.port, before + data)
        # Either nothing more is said on the connection, or the refusal is.
        answers = received.split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers[:asked]] == [b"200"] * asked
        assert [answer[:3] for answer in answers[asked:]] in ([], [b"%d" % status])


@pytest.mark.parametrize("line", UNUSUAL)
def test_a_rare_request_line_is_understood(server: LiveServer, line: bytes) -> None:
    data = line + CLOSE + b"\r\n"
    usual = ask(server.port, request(target=b"/public/"))
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))], [WARM + data]):
        received = exchange(server.port, pieces)
        assert parse_answer(received).status == 200
        assert received.endswith(usual.body)
