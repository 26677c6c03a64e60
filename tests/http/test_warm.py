"""Pages that are in memory: the same answers as by the long way, and no call to the store."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.server.protocol import BoundedHttpProtocol
from tests.support.answers import all_of, member, timeless
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import exchange, parse_answer, read_answer, read_to_end, request
from tests.support.served_store import Site, serve_store
from tests.support.stampede import stampede
from tests.support.waiting import PATIENCE

POLICY = '[[rule]]\npath = "a/members"\ntier = "private"\ngroups = ["staff"]\n'
LIVES: dict[str, Any] = {"cache_ttl": 60, "cache_grace": 60, "cache_max_stale": 600}


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore()
    for number in range(50):
        store.put(f"a/file-{number}.img", b"x" * number)
    store.put("a/members/secret.txt", b"secret")
    with serve_store(store, policy=POLICY, **LIVES) as site:
        yield site


REQUESTS: list[dict[str, str]] = [
    {},
    {"Accept": "application/json"},
    {"Accept-Encoding": "gzip"},
    {"Accept-Encoding": "br", "Accept": "text/plain"},
    {"Accept": "text/html;q=0.1, application/x-ndjson"},
    {"X-Forwarded-For": "10.1.2.3"},
]


@pytest.mark.parametrize("headers", REQUESTS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "url", ["/a/", "/a/?format=json", "/a/?format=text", "/a/?format=csv", "/a/?format=atom"]
)
def test_a_warm_answer_is_the_cold_one(site: Site, method: str, url: str, headers: dict[str, str]) -> None:
    cold = site.http.request(method, url, headers=headers)
    asked = len(site.store.calls)
    warm = site.http.request(method, url, headers=headers)
    assert len(site.store.calls) == asked
    assert (warm.status_code, warm.content) == (cold.status_code, cold.content) == (200, cold.content)
    assert all_of(warm) == all_of(cold)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_a_client_that_has_the_page_is_told_so(site: Site, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    tag = site.http.get("/a/", headers=headers).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = site.http.get("/a/", headers=headers | {"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert site.http.get("/a/", headers=headers | {"If-None-Match": '"other"'}).status_code == 200


def test_a_member_sees_more_and_a_stranger_never_sees_it_after(site: Site) -> None:
    staff = member("staff")
    stranger = member("guests")
    for _ in range(3):
        assert "members/" in site.http.get("/a/?format=text", headers=staff).text
        assert "members/" not in site.http.get("/a/?format=text").text
        assert "members/" not in site.http.get("/a/?format=text", headers=stranger).text


def test_only_what_everybody_sees_may_be_kept_by_others(site: Site) -> None:
    staff = member("staff")
    for _ in range(2):
        public = site.http.get("/a/").headers
        assert public["cache-control"] == "public, max-age=60, stale-while-revalidate=60, stale-if-error=540"
        assert int(public["age"]) < 60
        private = site.http.get("/a/", headers=staff).headers
        assert private["cache-control"] == "private, no-store"
        assert "age" not in private


def test_a_stampede_on_a_cold_folder_asks_the_store_once(site: Site) -> None:
    answers = stampede(site.port, [request(target=b"/a/")] * 1000)
    assert {answer.status for answer in answers} == {200}
    assert [call.operation for call in site.store.calls] == ["list"]


@pytest.mark.parametrize("path", ["/healthz/", "/api/", "/license/", "/-/", "/%61pi/"])
def test_reserved_paths_are_never_the_trees(site: Site, path: str) -> None:
    for _ in range(2):
        assert site.http.get(path).status_code == 404
    assert site.store.calls == []


def test_a_page_in_memory_is_not_shown_where_its_links_would_mislead(site: Site) -> None:
    for _ in range(2):
        assert site.http.get("/a/").status_code == 200
        answer = site.http.get("/a//")
        assert (answer.status_code, answer.headers.get("location")) == (301, "/a/")


def test_a_request_without_a_host_is_refused_warm_or_cold(site: Site) -> None:
    site.http.get("/a/")
    answer = site.http.get("/a/", headers={"Host": "not a host"})
    assert answer.status_code == 400


# --- answered as soon as the head is read


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets of all requests that took a task of their own."""
    started: list[str] = []
    start = BoundedHttpProtocol._start_asgi_task

    def noted(self: BoundedHttpProtocol, cycle: RequestResponseCycle, app: object) -> None:
        started.append(cycle.scope["path"])
        start(self, cycle, app)

    monkeypatch.setattr(BoundedHttpProtocol, "_start_asgi_task", noted)
    return started


WARM = b" /a/ HTTP/1.1\r\nHost: test\r\nUser-Agent: one\r\n\r\n"


def one_by_one(port: int, requests: list[bytes]) -> list[bytes]:
    """Answers to requests on one connection, each sent when the last is answered. The last must close it."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        for data in requests[:-1]:
            connection.sendall(data)
            answers.append(read_answer(connection))
        connection.sendall(requests[-1])
        return [*answers, read_to_end(connection)]


def test_a_warm_answer_takes_no_task_and_is_the_same_to_the_byte(site: Site, tasks: list[str]) -> None:
    last = request(target=b"/a/none")
    port = site.port
    exchange(port, request(target=b"/a/"))  # in memory from here on
    tasks.clear()
    fast_path = one_by_one(port, [b"GET" + WARM, b"GET" + WARM, last])
    assert tasks == ["/a/none"]
    in_a_heap = exchange(port, b"GET" + WARM + b"GET" + WARM + last)
    assert tasks == ["/a/none", "/a/", "/a/", "/a/none"]

    assert timeless(b"".join(fast_path)) == timeless(in_a_heap)


def test_head_and_a_known_tag_are_answered_at_once_as_well(site: Site, tasks: list[str]) -> None:
    port = site.port
    tag = parse_answer(exchange(port, request(target=b"/a/"))).headers["etag"].encode()
    tasks.clear()
    known = b"GET" + WARM.replace(b"\r\n\r\n", b"\r\nIf-None-Match: " + tag + b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(known)
        answer = parse_answer(read_answer(connection))
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag.decode())
        connection.sendall(b"HEAD" + WARM + b"")
        assert parse_answer(read_answer(connection, has_body=False)).status == 200
        connection.sendall(known)
        assert parse_answer(read_answer(connection)).status == 304
    assert tasks == []


@pytest.mark.parametrize(
    ("version", "line"),
    [
        (b"HTTP/1.1", b"Connection: close\r\n"),
        (b"HTTP/1.0", b""),
        (b"HTTP/1.0", b"Connection: keep-alive\r\n"),
    ],
)
def test_a_connection_that_is_to_be_closed_is(site: Site, version: bytes, line: bytes) -> None:
    head = b"GET /a/ " + version + b"\r\nHost: test\r\n" + line + b"\r\n"
    for _ in range(2):
        answered = exchange(site.port, head)
        assert answered.count(b"HTTP/1.1 200 OK\r\n") == 1
        assert b"\r\nconnection: close\r\n" in answered


def test_a_head_in_pieces_is_answered_once(site: Site) -> None:
    port = site.port
    exchange(port, request(target=b"/a/"))
    # The second piece alone would be a whole request.
    pieces = [b"GET /a/none HTTP/1.1\r\nX: ", b"GET /a/ HTTP/1.1\r\nHost: test\r\n\r\n"]
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for piece in pieces:
                connection.sendall(piece)
            assert parse_answer(read_answer(connection)).status == 404


def test_an_idle_connection_is_closed_however_it_was_answered(site: Site) -> None:
    with live_server(app_over(site.store, cache_ttl=60), timeout_keep_alive=1) as server:
        exchange(server.port, request(target=b"/a/"))
        # A busy machine may keep this client from asking for so long that its connection is rightly closed.
        assert any(stays_while_it_is_used(server.port, 1.5) for _ in range(20))


def stays_while_it_is_used(port: int, seconds: float) -> bool:
    """Whether a connection that is used all the time lasts so long, and is closed afterwards.

    False if this client itself let it be idle for half a second, and it was closed then.
    """
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        began = used = time.monotonic()
        while used - began < seconds:
            try:
                connection.sendall(b"GET" + WARM)
                answer = read_answer(connection)
            except (OSError, AssertionError):
                assert time.monotonic() - used > 0.5, "it was closed while it was used"
                return False
            used = time.monotonic()
            assert parse_answer(answer).status == 200
        assert connection.recv(1) == b"", "it would time out on a connection that stays"
        return True


def test_a_page_larger_than_what_is_copied_arrives_whole(tasks: list[str]) -> None:
    store = MemoryStore()
    for number in range(3000):
        store.put(f"a/file-{number}.img", b"x")
    with serve_store(store, **LIVES) as site:
        cold, warm = (site.http.get("/a/").content for _ in range(2))
    assert warm == cold
    assert len(warm) > 5 * 64 * 1024
    assert tasks == ["/a/"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a/ HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /a/ HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET http://test/a/ HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET /a/ HTTP/1.1\r\nHost: test\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"GET /a/ HTTP/1.1\r\nHost: test\r\nX-Remote-Groups: a\r\n\r\n",
    ],
)
def test_what_is_out_of_the_ordinary_goes_the_long_way_and_is_answered_in_turn(
    site: Site, tasks: list[str], head: bytes
) -> None:
    usual = b"GET /a/ HTTP/1.1\r\nHost: test\r\n\r\n"
    port = site.port
    for _ in range(2):
        tasks.clear()
        answers = one_by_one(port, [usual, head, usual, request(target=b"/a/")])
        assert [parse_answer(answer).status for answer in answers] == [200] * 4
    assert tasks == ["/a/"] * 2
