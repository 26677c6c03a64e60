"""The fast path: from the bytes of a request head to an answer in memory, without ASGI.

Clients that ask again send exactly the same head. It is parsed once, and the result is
cached. The page is looked up each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

import httptools
from starlette.types import Scope, Send

from app.cache.response_cache import field_lines
from app.server.fast_lookup import FastLookup
from app.server.fast_notes import FastNotes
from app.server.fast_request import PASSING, PASSWORD, FastRequest, RequestReader
from app.server.framing import fault_of_line
from app.server.last_answers import LastAnswers
from app.storage.store import QuickRead
from app.telemetry.trace import raw_id

MAX_FAST_HEAD_BYTES: Final = 4096
"""Longer heads are rare, and not cached."""
REMEMBERED_HEADS: Final = 2048

MISSED: Final = "pierhead.missed"
"""Key in the scope of a request whose answer was not in memory: which fast path has read it, and its parsed form."""

WriteAnswer = Callable[[int, bytes, bytes], None]
"""Sends a whole answer: status, header fields as lines, body."""


class ReadyAnswer(NamedTuple):
    """An answer that only has to be sent and noted.

    Attributes:
        status: of it.
        fields: all header fields, as lines.
        body: as sent.
        note: counts it, logs it and traces it; takes the seconds from the head to the last byte passed to the network.
        read: gives the body in place of the one here, or None if another look has to be taken.
    """

    status: int
    fields: bytes
    body: bytes
    note: Callable[[float], None]
    read: QuickRead | None = None


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
        last: remembers them for a moment.
        notes: count, log and trace them.
    """

    def __init__(
        self,
        reader: RequestReader,
        lookup: FastLookup,
        last: LastAnswers[FastRequest, ReadyAnswer],
        notes: FastNotes,
    ) -> None:
        self._reader = reader
        self._lookup = lookup
        self._last = last
        self._notes = notes
        self._heads: dict[tuple[bytes, str | None, str], FastRequest | None] = {}

    def read(self, head: bytes, client: tuple[str, int] | None, scheme: str) -> FastRequest | None:
        """Read a request; None if ASGI has to handle it.

        Args:
            head: the received bytes. They must be one whole request without a body, on a connection that stays open.
            client: address and port of the peer.
            scheme: of the connection.
        """
        key = head, client[0] if client else None, scheme
        try:
            request = self._heads[key]
        except KeyError:
            try:
                request = self._parse_and_keep(*key)
            except PASSING:
                return None
        if request is None or not request.asked.parsed.identity.credential:
            return request
        return request if self._reader.still_holds(request) else None

    def answer(self, request: FastRequest, write: WriteAnswer) -> bool:
        """Answer a request if its answer is cached.

        Returns:
            Whether it was answered. If not, nothing was sent.
        """
        started = time.perf_counter()
        ready = self._last.get(request) or self._find(request)
        if ready is None:
            return False
        body = ready.body if ready.read is None else ready.read()
        if body is None:
            return False
        write(ready.status, ready.fields, body)
        ready.note(time.perf_counter() - started)
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
        self._notes.once(request, found)(time.perf_counter() - started)
        return request, True

    def _find(self, request: FastRequest) -> ReadyAnswer | None:
        if (found := self._lookup.find(request)) is None:
            return None
        if found.same_for and request.trace is None:
            ready = ReadyAnswer(found.status, found.fields, found.body, self._notes.repeated(request, found))
            again = ready if found.read is None else ready._replace(body=b"", read=found.read)
            self._last.keep(request, again, found.same_for)
            return ready
        own = b"" if request.trace is None else field_lines(raw_id(request.trace))
        return ReadyAnswer(found.status, found.fields + own, found.body, self._notes.once(request, found))

    def _parse_and_keep(self, head: bytes, peer: str | None, scheme: str) -> FastRequest | None:
        if len(head) > MAX_FAST_HEAD_BYTES:
            return None
        request = self._parse_head(head, peer, scheme)
        # A password must not be kept.
        if not (self._reader.takes_passwords and PASSWORD.search(head)):
            if len(self._heads) >= REMEMBERED_HEADS:
                self._heads.clear()
            self._heads[head, peer, scheme] = request
        return request

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
