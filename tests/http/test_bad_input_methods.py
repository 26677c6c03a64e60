"""Methods and protocol versions that nothing here is for."""

from __future__ import annotations

import pytest

from tests.support.attacks import assert_refused
from tests.support.live_server import LiveServer
from tests.support.raw_http import ask, exchange, parse_answer, request

pytestmark = pytest.mark.usefixtures("still_well")

METHODS = [b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"MKCOL"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/public/a.txt",
        b"/members/secret.txt",
        b"/missing",
        b"/api/ls/",
        b"/api/license/eula/x.img",
        b"/api/openapi.json",
        b"/healthz",
        b"/readyz",
        b"/metrics",
    ],
)
def test_what_can_only_be_read_says_so(server: LiveServer, target: bytes, method: bytes) -> None:
    answer = ask(server.port, request(method, target))
    assert_refused(answer, 405)
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("method", [m for m in METHODS if m != b"POST"])
def test_a_licence_is_read_and_answered_only(server: LiveServer, method: bytes) -> None:
    answer = ask(server.port, request(method, b"/license"))
    assert_refused(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    "method", [b"FOO", b"get", b"Get", b"G\xc3\x8bT", b"", b"GET\x00", b"A" * 9000, b"<?xml"]
)
@pytest.mark.parametrize("target", [b"/", b"/api/ls/", b"/healthz"])
def test_what_is_no_method_is_refused(server: LiveServer, target: bytes, method: bytes) -> None:
    assert_refused(ask(server.port, request(method, target)), 400)


@pytest.mark.parametrize(("method", "status"), [(b"OPTIONS", 405), (b"TRACE", 400)])
def test_the_server_as_a_whole_has_no_methods(server: LiveServer, method: bytes, status: int) -> None:
    assert_refused(ask(server.port, request(method, b"*")), status)


def test_this_is_no_proxy(server: LiveServer) -> None:
    assert_refused(ask(server.port, request(b"CONNECT", b"other.example:443")), 400)
    answer = ask(server.port, request(b"CONNECT", b"/public/a.txt"))
    assert_refused(answer, 405)


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE"])
def test_a_body_that_nobody_asked_for_changes_nothing(server: LiveServer, method: bytes) -> None:
    bare = ask(server.port, request(method, b"/public/a.txt"))
    fixed = request(method, b"/public/a.txt", b"Content-Length: 5", body=b"a\r\n\r\n")
    chunked = request(
        method,
        b"/public/a.txt",
        b"Transfer-Encoding: chunked",
        body=b"5;x=y\r\nabcde\r\n0\r\nTrailer: 1\r\n\r\n",
    )
    for data in (fixed, chunked):
        answer = ask(server.port, data)
        assert (answer.status, answer.body) == (bare.status, bare.body)


@pytest.mark.parametrize(
    "body", [b"", b"x", b"%", b"path=%ff&digest=%ff", b"a=b&" * 30, b"\xff\xfe", b"path=/\x00", b"x" * 70_000]
)
def test_a_form_that_is_not_ours_is_refused(server: LiveServer, body: bytes) -> None:
    form = b"Content-Type: application/x-www-form-urlencoded"
    length = b"Content-Length: %d" % len(body)
    assert_refused(ask(server.port, request(b"POST", b"/license", form, length, body=body)), 400, 403)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    encoding = b"Transfer-Encoding: chunked"
    assert_refused(ask(server.port, request(b"POST", b"/license", form, encoding, body=chunked)), 400, 403)
    assert_refused(ask(server.port, request(b"POST", b"/license", length, body=body)), 400)


@pytest.mark.parametrize(
    "version", [b"HTTP/3.0", b"HTTP/1.2", b"HTTP/9.9", b"HTTP/x", b"HTTP/1.1.1", b"ICY", b"HTTP"]
)
def test_a_version_that_there_is_not_is_refused(server: LiveServer, version: bytes) -> None:
    assert_refused(ask(server.port, request(version=version)), 400, 505)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS handshake
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",  # HTTP/2 with prior knowledge
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 100,
        b"\xff" * 100_000,
        b'{"jsonrpc": "2.0"}\r\n\r\n',
    ],
)
def test_another_protocol_is_refused(server: LiveServer, data: bytes) -> None:
    assert_refused(ask(server.port, data), 400, 505)


def test_http_1_0_needs_no_host(server: LiveServer) -> None:
    answer = parse_answer(exchange(server.port, b"GET /public/a.txt HTTP/1.0\r\n\r\n"))
    assert (answer.status, len(answer.body)) == (200, 1000)
    assert parse_answer(exchange(server.port, b"GET / HTTP/1.0\r\n\r\n")).status == 200


def test_http_1_0_is_sent_no_stream_for_it_could_not_tell_a_whole_one(server: LiveServer) -> None:
    answer = parse_answer(exchange(server.port, b"GET /?recursive=true HTTP/1.0\r\n\r\n"))
    assert_refused(answer, 400)
