"""The fast path: from the bytes of a request head to an answer in memory, without ASGI.

Clients that ask again send exactly the same head. It is parsed once, and the result is
cached. The page is looked up each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import httptools
from starlette.types import Scope, Send

from app.cache.response_cache import field_lines
from app.server.fast_lookup import FILE_REDIRECT, FILE_STREAM, FastAnswer, FastLookup
from app.server.fast_request import PASSING, PASSWORD, FastRequest, RequestReader
from app.server.framing import fault_of_line
from app.telemetry import AccessLine, AccessLog, Metrics
from app.telemetry.trace import raw_id

if TYPE_CHECKING:
    from app.telemetry.tracing import Tracing

MAX_FAST_HEAD_BYTES: Final = 4096
"""Longer heads are rare, and not cached."""
REMEMBERED_HEADS: Final = 2048

MISSED: Final = "pierhead.missed"
"""Key in the scope of a request whose answer was not in memory: which fast path has read it, and its parsed form."""

WriteAnswer = Callable[[int, bytes, bytes], None]
"""Sends a whole answer: status, header fields as lines, body."""


class AnswersAtOnce(Protocol):
    """A fast path, of one site or of several."""

    def read(self, head: bytes, client: tuple[str, int] | None, scheme: str) -> Any | None:
        """See `FastPath.read`."""
        ...

    def answer(self, request: Any, write: WriteAnswer) -> bool:
        """See `FastPath.answer`."""
        ...


class FastPath:
    """Answers requests from memory, and notes them in log, metrics and traces.

    Args:
        reader: reads requests.
        lookup: finds cached answers.
        metrics: where requests are counted.
        access_log: takes a line for each; None for no lines.
        tracing: makes a span of each; None for no spans.
        replica_id: named in every log line.
    """

    def __init__(
        self,
        reader: RequestReader,
        lookup: FastLookup,
        *,
        metrics: Metrics,
        access_log: AccessLog | None,
        tracing: Tracing | None,
        replica_id: str,
    ) -> None:
        self._reader = reader
        self._lookup = lookup
        self._access_log = access_log
        self._tracing = tracing
        self._replica_id = replica_id
        self._read_head = lru_cache(REMEMBERED_HEADS)(self._parse_head)
        self._observe = lru_cache(256)(partial(_observer, metrics))

    def read(self, head: bytes, client: tuple[str, int] | None, scheme: str) -> FastRequest | None:
        """Read a request; None if ASGI has to handle it.

        Args:
            head: the received bytes. They must be one whole request without a body, on a connection that stays open.
            client: address and port of the peer.
            scheme: of the connection.
        """
        if len(head) > MAX_FAST_HEAD_BYTES:
            return None
        is_secret = self._reader.takes_passwords and PASSWORD.search(head)
        read = self._parse_head if is_secret else self._read_head
        try:
            request = read(head, client[0] if client else None, scheme)
        except PASSING:
            return None
        return request if request is not None and self._reader.still_holds(request) else None

    def answer(self, request: FastRequest, write: WriteAnswer) -> bool:
        """Answer a request if its answer is cached.

        Returns:
            Whether it was answered. If not, nothing was sent.
        """
        started = time.perf_counter()
        if (found := self._lookup.find(request)) is None:
            return False
        fields = found.fields()
        if request.trace is not None:
            fields += field_lines(raw_id(request.trace))
        write(found.status, fields, found.body)
        self._note(request, found, time.perf_counter() - started)
        return True

    async def answer_by_asgi(self, scope: Scope, send: Send) -> tuple[FastRequest | None, bool]:
        """Answer a request that came by ASGI, such as one with a long head.

        Returns:
            The request, if it could be read, and whether it was answered.
        """
        by, missed = scope.get(MISSED, (None, None))
        if by is self:  # another one, with other settings, may have read it differently
            return missed, False
        started = time.perf_counter()
        peer = scope["client"][0] if scope["client"] else None
        try:
            request = self._reader.read(
                scope["method"],
                scope["raw_path"],
                scope["query_string"],
                scope["headers"],
                peer,
                scope["scheme"],
            )
        except PASSING:
            return None, False
        if request is None or not self._reader.still_holds(request):
            return None, False
        if (found := self._lookup.find(request)) is None:
            return request, False
        headers = found.headers()
        if request.trace is not None:
            headers += raw_id(request.trace)
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": found.body})
        self._note(request, found, time.perf_counter() - started)
        return request, True

    def _note(self, request: FastRequest, answer: FastAnswer, seconds: float) -> None:
        """Count an answer, log it and trace it.

        Args:
            seconds: from the head to the last byte passed to the network.
        """
        asked, trace = request.asked, request.trace
        self._observe(answer.route, answer.status, answer.cache)(seconds, len(answer.body))
        span = None if self._tracing is None else self._tracing.begin(trace, seconds)
        if span is not None:
            trace = span.trace
        elif self._access_log is None:
            return
        line = AccessLine(
            answer.status,
            len(answer.body),
            seconds,
            request.method,
            asked.path_text,
            answer.route,
            asked.client,
            asked.subject,
            request.agent,
            self._replica_id,
            answer.cache,
            "",
            *(() if trace is None else (trace.request_id, trace.trace_id)),
        )
        if self._access_log is not None:
            self._access_log.write(line)
        if span is not None:
            span.end(line)

    def _parse_head(self, head: bytes, peer: str | None, scheme: str) -> FastRequest | None:
        line, end, _ = head.partition(b"\n")
        if not head.endswith(b"\r\n\r\n") or fault_of_line(line + end):
            return None
        method, target, _ = line.split(b" ")
        raw_path, _, query = target.partition(b"?")
        if raw_path[:1] != b"/" or not raw_path.isascii():
            return None
        if (headers := _headers_of(head)) is None:
            return None
        return self._reader.read(method.decode("ascii", "replace"), raw_path, query, headers, peer, scheme)


def _observer(metrics: Metrics, route: str, status: int, cache: str) -> Callable[[float, int], None]:
    """What counts an answer of so many seconds and bytes."""
    if route not in (FILE_REDIRECT, FILE_STREAM):
        observe_page = metrics.pages.labels(route, str(status), cache).observe
        return lambda seconds, _: observe_page(seconds)
    observe, add = (
        metrics.downloads.labels(route, str(status)).observe,
        metrics.download_bytes.labels(route).inc,
    )

    def count(seconds: float, size: int) -> None:
        observe(seconds)
        add(size)

    return count


class _OneHead:
    """Parses one head in the same way as the server's protocol."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.ends = 0
        self.is_usual = False

    def feed(self, head: bytes) -> None:
        """Parse it. Raises what the parser raises."""
        self._parser.feed_data(head)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.ends += 1
        # Read here, because the parser forgets it at the end of the message.
        self.is_usual = self._parser.get_http_version() == "1.1" and self._parser.should_keep_alive()


def _headers_of(head: bytes) -> list[tuple[bytes, bytes]] | None:
    """The header fields of one whole HTTP/1.1 request that keeps its connection open; None for anything else."""
    one = _OneHead()
    try:
        one.feed(head)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    return one.headers if one.ends == 1 and one.is_usual else None
