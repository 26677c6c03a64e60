"""Answers from memory: how each is counted and logged, and what is found of a folder that is fresh, stale or absent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from starlette.types import Message, Scope

from app.cache.byte_cache import ByteCache
from app.cache.response_cache import ReadyRedirect, StoredResponse
from app.catalog import FreshVersion
from app.domain.access import ANONYMOUS
from app.domain.errors import LoginUnavailable
from app.policy.serving import NO_SERVING_RULES
from app.responses.caching import CacheHeaders
from app.responses.streaming import PIECE_BYTES
from app.server.fast_lookup import FILE_REDIRECT, FILE_STREAM, FastAnswer, FastLookup
from app.server.fast_notes import FastNotes
from app.server.fast_path import MAX_FAST_HEAD_BYTES, MISSED, FastPath
from app.server.fast_request import AskedFor, FastRequest
from app.server.last_answers import LastAnswers
from app.telemetry import AccessLine, Metrics
from tests.unit.test_server_fast_request import TOKEN, read, reader

PEER: Final = ("203.0.113.1", 40000)
PAGE: Final = StoredResponse.of(b"page", ((b"etag", b'"x"'),), '"x"')


class Log:
    def __init__(self) -> None:
        self.lines: list[AccessLine] = []

    def write(self, line: AccessLine) -> None:
        self.lines.append(line)

    def repeated(self, line: AccessLine) -> Callable[[float], None]:
        return lambda seconds: self.write(line._replace(seconds=seconds))

    def close(self) -> None:
        """Nothing waits."""


class Lookup:
    """Finds what it is given, and counts how often it is asked."""

    def __init__(self, answer: FastAnswer | None) -> None:
        self.answer = answer
        self.asked = 0

    def find(self, request: FastRequest) -> FastAnswer | None:
        self.asked += 1
        return self.answer


class Folders:
    """A catalog and its pages, with one view of whatever folder is asked for."""

    def __init__(self, view: Any, page: StoredResponse | None = PAGE) -> None:
        self._view, self._page = view, page

    def ready_view(self, *_: object) -> Any:
        return self._view

    def ready(self, *_: object, in_parts: bool) -> StoredResponse | None:
        return self._page


def fast_path(
    answer: FastAnswer | Lookup | None,
    log: Log | None,
    metrics: Metrics | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> FastPath:
    lookup: Any = answer if isinstance(answer, Lookup) else Lookup(answer)
    notes = FastNotes(metrics=metrics or Metrics(), access_log=log, tracing=None, replica_id="r1")
    return FastPath(reader(), lookup, LastAnswers(ByteCache(1000), clock), notes)


def page_answer(route: str = "folder-html", cache: str = "fast", same_for: float = 0.0) -> FastAnswer:
    return FastAnswer.of(200, route, cache, PAGE, (), PAGE.body, same_for)


def usual_request(known: bytes | None = None) -> FastRequest:
    request = read(reader())
    assert request is not None
    return request._replace(known=known)


def found(view: Any, request: FastRequest, page: StoredResponse | None = PAGE) -> FastAnswer | None:
    folders: Any = Folders(view, page)
    unused: Any = None
    headers = CacheHeaders(60, 60, 600)
    lookup = FastLookup(folders, folders, unused, unused, unused, headers, NO_SERVING_RULES)
    return lookup.find(request)


@pytest.mark.parametrize(("is_stale", "cache"), [(False, "fast"), (True, "stale")])
def test_the_log_says_whether_a_page_is_due_for_a_refresh(is_stale: bool, cache: str) -> None:
    view = SimpleNamespace(is_stale=is_stale, age=1.0, same_for=0.0)
    for known, status, body in [(None, 200, b"page"), (b'"x"', 304, b"")]:
        answer = found(view, usual_request(known))
        assert answer is not None
        assert (answer.status, answer.cache, answer.body, answer.route) == (
            status,
            cache,
            body,
            "folder-html",
        )


def test_what_is_not_in_memory_or_another_page_is_left_to_the_full_path() -> None:
    view = SimpleNamespace(is_stale=False, age=1.0, same_for=59.0)
    assert found(None, usual_request()) is None
    assert found(view, usual_request(), page=None) is None
    assert found(view, usual_request(b'"other"')) is None


@pytest.mark.parametrize("has_log", [True, False])
def test_an_answer_is_sent_counted_and_logged_once(has_log: bool) -> None:
    written: list[tuple[int, bytes, bytes]] = []
    log, metrics = Log(), Metrics()
    path = fast_path(page_answer(cache="stale"), log if has_log else None, metrics)

    assert path.answer(usual_request(), lambda *parts: written.append(parts))

    assert written == [(200, b'etag: "x"\r\n', b"page")]
    count = b'pierhead_page_duration_seconds_count{cache="stale",route="folder-html",status="200"} 1.0'
    assert count in metrics.render()
    expected = AccessLine(
        200, 4, 0, "GET", "/a/", "folder-html", "203.0.113.1", None, None, "r1", cache="stale", broken=""
    )
    assert [line._replace(seconds=0) for line in log.lines] == [expected] * has_log


@pytest.mark.parametrize("has_log", [True, False])
def test_an_answer_that_stays_the_same_is_looked_for_once_and_noted_each_time(has_log: bool) -> None:
    lookup, log, metrics = Lookup(page_answer(same_for=0.5)), Log(), Metrics()
    now = 100.0
    path = fast_path(lookup, log if has_log else None, metrics, lambda: now)
    request, written = usual_request(), list[tuple[int, bytes, bytes]]()
    for _ in range(3):
        assert path.answer(request, lambda *parts: written.append(parts))
    assert lookup.asked == 1
    assert written == [(200, b'etag: "x"\r\n', b"page")] * 3
    count = b'pierhead_page_duration_seconds_count{cache="fast",route="folder-html",status="200"} 3.0'
    assert count in metrics.render()
    expected = AccessLine(
        200, 4, 0, "GET", "/a/", "folder-html", "203.0.113.1", None, None, "r1", cache="fast", broken=""
    )
    assert [line._replace(seconds=0) for line in log.lines] == [expected] * (3 * has_log)
    assert all(line.seconds > 0 for line in log.lines)

    now, lookup.answer = 100.5, None
    assert not path.answer(request, lambda *parts: written.append(parts))


def test_an_answer_that_depends_on_more_is_looked_for_each_time() -> None:
    lookup = Lookup(page_answer())
    path, request = fast_path(lookup, None), usual_request()
    assert all(path.answer(request, lambda *_: None) for _ in range(3))
    assert lookup.asked == 3


def test_a_request_with_an_id_gets_its_own_answer() -> None:
    lookup, written = Lookup(page_answer(same_for=1.0)), list[bytes]()
    path = fast_path(lookup, log := Log())
    for number in range(2):
        request = read(reader(), x_request_id=f"id-{number}")
        assert request is not None
        assert path.answer(request, lambda _, fields, __: written.append(fields))
        assert path.answer(request, lambda _, fields, __: written.append(fields))
    assert written == [b'etag: "x"\r\nx-request-id: id-%d\r\n' % number for number in (0, 0, 1, 1)]
    assert [line.request_id for line in log.lines] == ["id-0", "id-0", "id-1", "id-1"]
    assert lookup.asked == 4


@pytest.mark.parametrize(
    ("age", "left", "same_for"),
    [(1.0, 59.0, 1.0), (1.25, 58.75, 0.75), (59.5, 0.25, 0.25), (61.5, 0.0, 0.0), (61.5, 20.0, 0.5)],
)
def test_a_page_is_the_same_until_its_age_or_its_folder_is_not(
    age: float, left: float, same_for: float
) -> None:
    view = SimpleNamespace(is_stale=age > 60, age=age, same_for=left)
    for known in (None, b'"x"'):
        answer = found(view, usual_request(known))
        assert answer is not None
        assert answer.same_for == same_for


def test_a_file_is_counted_with_its_bytes() -> None:
    metrics = Metrics()
    assert fast_path(page_answer(FILE_STREAM, ""), None, metrics).answer(usual_request(), lambda *_: None)
    rendered = metrics.render()
    assert b'pierhead_download_bytes_total{route="file-stream"} 4.0' in rendered
    assert b'route="folder-html"' not in rendered


def test_a_file_is_read_anew_each_time_it_is_sent() -> None:
    """A remembered answer has no bytes of its own: they would count nowhere, and could be old."""
    contents: list[bytes | None] = [b"new!", None, b"more"]
    answer = FastAnswer.of(200, FILE_STREAM, "", PAGE, (), b"page", 60.0, partial(contents.pop, 0))
    lookup, log, request = Lookup(answer), Log(), usual_request()
    path, written = fast_path(lookup, log), list[bytes]()
    answered = [path.answer(request, lambda *parts: written.append(parts[2])) for _ in range(4)]
    assert answered == [True, True, False, True]
    assert written == [b"page", b"new!", b"more"]
    assert (len(log.lines), lookup.asked) == (3, 1)


def test_nothing_is_sent_counted_or_logged_of_what_is_not_found() -> None:
    written: list[tuple[int, bytes, bytes]] = []
    log = Log()
    assert not fast_path(None, log).answer(usual_request(), lambda *parts: written.append(parts))
    assert not written
    assert not log.lines


def head(size: int) -> bytes:
    """A request for a folder whose head has this many bytes; what fills it is in fields that change nothing."""
    start, name, end = b"GET /a/ HTTP/1.1\r\nHost: t\r\n", b"Accept-Language: ", b"\r\n\r\n"
    return start + name + b"x" * (size - len(start + name + end)) + end


def test_the_longest_head_that_is_read() -> None:
    path = fast_path(None, None)
    assert path.read(head(MAX_FAST_HEAD_BYTES), PEER, "http") is not None
    assert path.read(head(MAX_FAST_HEAD_BYTES + 1), PEER, "http") is None


def test_a_peer_without_an_address_is_nobody_in_the_log() -> None:
    request = fast_path(None, None).read(head(100), None, "http")
    assert request is not None
    asked: AskedFor = request.asked
    assert (asked.client, asked.parsed.identity.principal) == (None, ANONYMOUS)


def test_a_body_that_goes_out_in_pieces_is_left_to_the_full_path() -> None:
    view: Any = SimpleNamespace(age=1.0, is_stale=False, same_for=59.0)
    for size, is_found in ((PIECE_BYTES, True), (PIECE_BYTES + 1, False)):
        page = StoredResponse.of(bytes(size), PAGE.headers, '"x"')
        assert (found(view, usual_request(), page) is not None) is is_found
        assert found(view, usual_request()._replace(method="HEAD"), page) is not None
        assert found(view, usual_request(page.e_tag), page) is not None


async def by_asgi(path: FastPath, **more: object) -> tuple[tuple[FastRequest | None, bool], list[Message]]:
    """What becomes of a request for `/a/` that came by ASGI, and what is sent."""
    sent: list[Message] = []
    scope: Scope = {
        "method": "GET",
        "raw_path": b"/a/",
        "query_string": b"",
        "headers": [(b"host", b"t")],
        "client": PEER,
        "scheme": "http",
        **more,
    }

    async def send(message: Message) -> None:
        sent.append(message)

    return await path.answer_by_asgi(scope, send), sent


async def test_a_request_by_asgi_is_answered_and_logged_in_the_same_way() -> None:
    log = Log()
    (request, is_answered), sent = await by_asgi(fast_path(page_answer(), log))
    assert (request, is_answered) == (usual_request(), True)
    assert sent == [
        {"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"x"')]},
        {"type": "http.response.body", "body": b"page"},
    ]
    assert [(line.status, line.client) for line in log.lines] == [(200, PEER[0])]


async def test_a_request_by_asgi_that_is_not_in_memory_is_handed_on_as_it_was_read() -> None:
    log = Log()
    assert await by_asgi(fast_path(None, log)) == ((usual_request(), False), [])
    assert await by_asgi(fast_path(page_answer(), log), raw_path=b"/a/%") == ((None, False), [])
    assert not log.lines


async def test_what_was_missed_before_is_not_looked_for_again() -> None:
    path, missed = fast_path(page_answer(), None), usual_request(b'"known"')
    assert await by_asgi(path, **{MISSED: (path, missed)}) == ((missed, False), [])
    another = fast_path(None, None)
    (_, is_answered), _ = await by_asgi(path, **{MISSED: (another, missed)})
    assert is_answered


async def test_who_asks_is_found_out_elsewhere_if_it_takes_a_wait() -> None:
    class Waiting:
        takes_passwords = False

        def read(self, *_: object) -> FastRequest | None:
            raise LoginUnavailable

    waiting, lookup = cast("Any", Waiting()), cast("Any", Lookup(page_answer()))
    notes = FastNotes(metrics=Metrics(), access_log=None, tracing=None, replica_id="r1")
    path = FastPath(waiting, lookup, LastAnswers(ByteCache(1000), lambda: 0.0), notes)
    assert path.read(head(100), PEER, "http") is None
    assert await by_asgi(path) == ((None, False), [])


@pytest.mark.parametrize("version", [7, None])
@pytest.mark.parametrize(
    ("redirect", "fresh_for", "same_for"),
    [
        (ReadyRedirect(PAGE, 300.0), 60.0, 1.0),
        (ReadyRedirect(PAGE, 0.25), 60.0, 0.25),
        (ReadyRedirect(PAGE, 300.0), 0.5, 0.5),
        (None, 60.0, 0.0),
    ],
)
def test_a_redirect_is_sent_while_its_folder_is_fresh(
    version: int | None, redirect: ReadyRedirect | None, fresh_for: float, same_for: float
) -> None:
    """`are_possible` says that no file can be read at once: the store has URLs instead."""
    catalog, redirects, files, unused = (cast("Any", SimpleNamespace()) for _ in range(4))
    catalog.fresh_version = lambda path: version and FreshVersion(version, fresh_for)
    redirects.ready = lambda path, principal, at: redirect if at == version else None
    files.are_possible = False
    headers = CacheHeaders(60, 60, 600)
    lookup = FastLookup(catalog, unused, redirects, files, unused, headers, NO_SERVING_RULES)
    for fields in ({}, {"authorization": f"Bearer {TOKEN}"}):
        request = read(reader(), b"/a/f", **fields)
        assert request is not None
        answer = lookup.find(request)
        if version is None or redirect is None or fields:
            assert answer is None
        else:
            assert answer == FastAnswer.of(302, FILE_REDIRECT, "", PAGE, request.asked.for_all, b"", same_for)
