"""Header fields that are too many, too large, twice there, or not of their form."""

from __future__ import annotations

import base64
import time

import pytest

from tests.support.attacks import assert_refused
from tests.support.live_server import LiveServer, token
from tests.support.raw_http import ask, request

pytestmark = pytest.mark.usefixtures("still_well")

FILE = b"/public/a.txt"
SIZE = 1000


@pytest.mark.parametrize("size", [64 << 10, 100 << 10, 1 << 20])
def test_a_header_that_is_too_long_is_refused(server: LiveServer, size: int) -> None:
    assert_refused(ask(server.port, request(b"GET", FILE, b"X-Long: " + b"a" * size)), 431)
    assert_refused(ask(server.port, request(b"GET", FILE, b"X" * size + b": a")), 431)
    assert_refused(ask(server.port, request(b"GET", FILE, b"Authorization: Bearer " + b"a" * size)), 431)


@pytest.mark.parametrize("count", [300, 3000, 30_000])
def test_too_many_headers_are_refused(server: LiveServer, count: int) -> None:
    assert_refused(ask(server.port, request(b"GET", FILE, *(b"X%d:" % n for n in range(count)))), 431)
    assert_refused(ask(server.port, request(b"GET", FILE, *[b"x:"] * count)), 431)


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"na me: x",
        b"name : x",
        b"n\x00me: x",
        b"n\xc3\xa4me: x",
        b"name: a\x00b",
        b"name: a\x01b",
        b"name: a\rb",
        b" folded: x",
        b"Content-Length: -1",
        b"Content-Length: 1x",
        b"Content-Length: 0x10",
        b"Content-Length: " + b"9" * 40,
        b"Content-Length: 1, 2",
        b"Content-Length: 0\r\nContent-Length: 5",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: x",
        b"Host: other",
        b"Host: test",
    ],
)
def test_a_header_that_is_none_is_refused(server: LiveServer, line: bytes) -> None:
    assert_refused(ask(server.port, request(b"GET", FILE, line)), 400)


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: a?b\r\n",
        b"Host: a@b\r\n",
        b"Host: [\r\n",
        b"Host: [::1\r\n",
        b"Host: a:b\r\n",
        b"Host: <script>\r\n",
        b"Host: a\\b\r\n",
        b"Host: \xff\r\n",
        b"Host: a, b\r\n ",
    ],
)
def test_a_request_names_one_host(server: LiveServer, host: bytes) -> None:
    assert_refused(ask(server.port, b"GET / HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"), 400)


@pytest.mark.parametrize("hosts", [b"Host: a\r\nHost: b\r\n", b"Host: a\r\nHost: a\r\n", b"Host: a b\r\n"])
def test_an_older_request_names_no_host_or_one(server: LiveServer, hosts: bytes) -> None:
    assert ask(server.port, b"GET / HTTP/1.0\r\n\r\n").status == 200
    assert_refused(ask(server.port, b"GET / HTTP/1.0\r\n" + hosts + b"\r\n"), 400)


@pytest.mark.parametrize(
    "host", [b"test", b"test:80", b"[::1]:8000", b"127.0.0.1", b"", b"a_b.example", b"a:"]
)
def test_hosts_that_there_can_be_are_taken(server: LiveServer, host: bytes) -> None:
    answer = ask(server.port, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.status == 200


@pytest.mark.parametrize(
    "name",
    [
        b"Accept",
        b"Accept-Encoding",
        b"Cookie",
        b"If-Match",
        b"If-None-Match",
        b"If-Modified-Since",
        b"If-Unmodified-Since",
        b"If-Range",
        b"Range",
        b"License-Accepted",
        b"License_Accepted",
        b"X-Forwarded-For",
        b"X-Forwarded-Proto",
        b"User-Agent",
        b"Sec-Fetch-Site",
        b"Upgrade",
        b"Expect",
        b"TE",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff\xfe\xfd",
        b"\xc3\xa4",
        b"\xed\xa0\x80",
        b",",
        b";" * 100,
        b"," * 20_000,
        b'"',
        b'"a, "b',
        b"*" * 100,
        b"%00%0a%0d",
        b"<script>alert(1)</script>",
        b"a" * 60_000,
        b"a=1; " * 1000,
        b"9" * 400,
        b"-1",
    ],
    ids=range(16),
)
def test_no_value_of_any_header_is_too_odd(server: LiveServer, name: bytes, value: bytes) -> None:
    for target in (FILE, b"/public/", b"/eula/x.img", b"/api/ls/"):
        answer = ask(server.port, request(b"GET", target, name + b": " + value))
        assert answer.status in (200, 206, 302, 304, 403, 412, 416)
        assert b"<script>" not in answer.body


@pytest.mark.parametrize(
    "value",
    [
        b"bytes=",
        b"bytes",
        b"bytes=-",
        b"bytes=a-b",
        b"bytes=5-2",
        b"bytes=--1",
        b"bytes=-1-",
        b"bytes=1-2-3",
        b"bytes=0x1-0x2",
        b"bytes=\xb2-\xb3",
        b"bytes=0-1;bytes=2-3",
        b"lines=1-2",
        b"bytes = 0-1",
        b"=0-1",
        b"bytes=0-1,a",
        b"bytes=999-" + b"9" * 5000,
        b"bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(5000)),
        b"bytes=" + b"0-," * 10_000,
        b"bytes=" + b",".join([b"0-999"] * 1000),
    ],
    ids=range(19),
)
def test_a_range_that_is_none_gets_the_whole_file(server: LiveServer, value: bytes) -> None:
    """RFC 9110 section 14.2: an invalid ranges-specifier is ignored, and so may be one that is an attack."""
    answer = ask(server.port, request(b"GET", FILE, b"Range: " + value))
    assert (answer.status, len(answer.body)) in ((200, SIZE), (416, len(answer.body)))
    assert len(answer.body) <= SIZE


@pytest.mark.parametrize(
    ("value", "content_range"),
    [
        (b"bytes=0-99999999999999999999", "bytes 0-999/1000"),
        (b"bytes=-99999999999999999999", "bytes 0-999/1000"),
        (b"bytes=000000000-0000000000", "bytes 0-0/1000"),
    ],
)
def test_a_range_beyond_the_end_is_cut_there(server: LiveServer, value: bytes, content_range: str) -> None:
    answer = ask(server.port, request(b"GET", FILE, b"Range: " + value))
    assert (answer.status, answer.headers["content-range"]) == (206, content_range)


@pytest.mark.parametrize("value", [b"bytes=1000-", b"bytes=99999999999999999999-", b"bytes=-0"])
def test_a_range_behind_the_end_is_not_satisfiable(server: LiveServer, value: bytes) -> None:
    answer = ask(server.port, request(b"GET", FILE, b"Range: " + value))
    assert_refused(answer, 416)
    assert answer.headers["content-range"] == "bytes */1000"


@pytest.mark.parametrize(
    ("lines", "status", "length"),
    [
        ((b"Range: bytes=0-9", b"Range: bytes=20-29"), None, None),
        ((b"Range: bytes=0-9", b'If-Range: "a"', b'If-Range: "b"'), 200, SIZE),
        ((b'If-None-Match: "a"', b'If-None-Match: "b"'), 200, SIZE),
        ((b"If-Modified-Since: x", b"If-Modified-Since: y"), 200, SIZE),
    ],
)
def test_headers_that_are_there_twice(
    server: LiveServer, lines: tuple[bytes, ...], status: int | None, length: int | None
) -> None:
    answer = ask(server.port, request(b"GET", FILE, *lines))
    if status is None:
        assert answer.status in (200, 206)
    else:
        assert (answer.status, len(answer.body)) == (status, length)


def test_two_tokens_are_none(server: LiveServer) -> None:
    line = f"Authorization: Bearer {token('staff', now=time.time())}".encode()
    target = b"/members/secret.txt"
    assert ask(server.port, request(b"GET", target, line)).body == b"secret"
    assert_refused(ask(server.port, request(b"GET", target, line, line)), 401)


def basic(credentials: bytes) -> bytes:
    return b"Basic " + base64.b64encode(credentials)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"Bearer",
        b"Bearer ",
        b"Bearer  ",
        b"Bearer a",
        b"Bearer a.b",
        b"Bearer a.b.c",
        b"Bearer a.b.c.d.e",
        b"Bearer ...",
        b"Bearer ====.====.====",
        b"Bearer \xff.\xfe.\xfd",
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
        b"Bearer eyJhbGciOiJub25lIn0.e30",
        b"Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        b"Bearer eyJhbGciOiJIUzI1NiIsImNyaXQiOlsieCJdfQ.e30.AAAA",
        b"Bearer W10.W10.W10",
        b"Bearer bnVsbA.bnVsbA.bnVsbA",
        b"Bearer MQ.MQ.MQ",
        b"Bearer " + base64.urlsafe_b64encode(b"[" * 20_000).rstrip(b"=") + b".e30.AAAA",
        b"Bearer " + b"a" * 60_000,
        b"Bearer " + b"." * 60_000,
        b"Token abc",
        b"Digest username=x",
        b"Negotiate " + b"A" * 5000,
        b"Basic",
        b"Basic ",
        b"Basic ====",
        b"Basic \xff\xff",
        b"Basic a:b",
        basic(b""),
        basic(b"user"),
        basic(b":"),
        basic(b"user:"),
        basic(b"user:password"),
        basic(b"\xff:\xff"),
        basic(b"user:\x00"),
        basic(b"user:\xf0\x9f\x98\x80"),
        basic(b"a" * 40_000),
        b"Basic " + b"A" * 60_000,
        b"<script>",
        b"bearer\xa0x",
    ],
    ids=range(42),
)
def test_a_token_that_does_not_hold_is_never_a_stranger(server: LiveServer, value: bytes) -> None:
    for target in (FILE, b"/members/secret.txt", b"/public/", b"/api/ls/", b"/missing"):
        answer = ask(server.port, request(b"GET", target, b"Authorization: " + value))
        assert_refused(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert b"<script>" not in answer.body


@pytest.mark.parametrize("cut", [1, 2, 10, 40, 100])
def test_a_token_cut_or_changed_does_not_hold(server: LiveServer, cut: int) -> None:
    good = token("staff", now=time.time()).encode()
    changed = good[:cut] + (b"A" if good[cut : cut + 1] != b"A" else b"B") + good[cut + 1 :]
    for bad in (good[:-cut], good[cut:], changed, good + b"A" * cut):
        line = b"Authorization: Bearer " + bad
        assert_refused(ask(server.port, request(b"GET", b"/members/secret.txt", line)), 401)


@pytest.mark.parametrize(
    "cookie",
    [
        b"pierhead_licences=" + b"a" * 60_000,
        b"pierhead_licences=a.b.c",
        b"pierhead_licences=\xff",
        b"pierhead_licences",
        b"=",
        b"; " * 5000,
        b"; ".join(b"c%d=%d" % (n, n) for n in range(1000)),
        b"; ".join([b"pierhead_licences=a.b.c"] * 1000),
        b'pierhead_licences="',
        b'pierhead_licences="\\377\\"',
        b"pierhead_form=" + b"a" * 60_000,
    ],
    ids=range(11),
)
def test_a_cookie_that_does_not_hold_is_worth_nothing(server: LiveServer, cookie: bytes) -> None:
    line = b"Cookie: " + cookie
    assert ask(server.port, request(b"GET", b"/public/", line)).status == 200
    assert_refused(ask(server.port, request(b"GET", b"/eula/x.img", line)), 403)
    form = (line, b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 3")
    assert_refused(ask(server.port, request(b"POST", b"/license", *form, body=b"a=b")), 403)
