"""Reads requests off the wire, within bounds.

uvicorn's own protocol takes a request head of any size, and waits for the rest of it as long as the client
likes. Here both are bounded while the bytes arrive, and what is no HTTP is refused in the form that all other
errors have. A request whose answer is in memory is answered as soon as its head is read, by one write and
without the task and messages that ASGI takes.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json
from app.responses.caching import NOT_STORED

MAX_TARGET_BYTES: Final = 32 * 1024
"""Longest request target: room for the longest path, each of its bytes escaped, and for a query."""

MAX_HEAD_BYTES: Final = 128 * 1024
"""Most bytes of one request that are not its body. The application refuses heads well below this by itself;
this bounds the memory that a head without an end can take."""

HEAD_SECONDS: Final = 30.0
"""How long a client may take to send a request head once it has begun, or to begin with the first."""

LINGER_SECONDS: Final = 5.0
"""How long a refused client is listened to, unheard, so that it reads the refusal: when a connection is closed
with unread input, the system throws away what the client has not read yet (RFC 9112 section 9.6)."""

_PIECE_BYTES: Final = 16 * 1024
"""Input is parsed in pieces of this size, so that no bound is passed by more than that."""

_COPIED_BYTES: Final = 64 * 1024
"""Bodies up to this size are copied behind their head: cheaper than handing over two pieces."""

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus
}

Answer = Callable[[bytes, tuple[str, int] | None, Callable[[int, bytes, bytes], None]], bool]

_log = structlog.get_logger("pierhead.access")


class _Refusal(NamedTuple):
    status: HTTPStatus
    title: str
    detail: str
    slug: str


_BAD_REQUEST = _Refusal(
    HTTPStatus.BAD_REQUEST, "Bad request", "this is not a request as HTTP/1.1 has it", "bad-request"
)
_LATE = _Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "Request timeout", "the request took too long to arrive", "request-timeout"
)
_TARGET_TOO_LONG = _Refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    "Path too long",
    f"a path and its query have at most {MAX_TARGET_BYTES} bytes",
    "path-too-long",
)
_HEAD_TOO_LARGE = _Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "Headers too large",
    f"a request has at most {MAX_HEAD_BYTES} bytes of headers",
    "headers-too-large",
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. A request to upgrade it to another protocol is answered as if it had not asked.

    Args:
        head_seconds: as `HEAD_SECONDS`.
        options: those of uvicorn's protocol.
    """

    def __init__(self, *, head_seconds: float = HEAD_SECONDS, **options: Any) -> None:
        super().__init__(**options)
        self._head_seconds = head_seconds
        self._deadline: TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._has_begun = False
        self._is_reading_head = True
        self._has_refused = False
        self._fault = _BAD_REQUEST
        self._framing_bytes = 0
        self._is_between_requests = True
        self._idle_since = 0.0
        self._own_fields: list[tuple[bytes, bytes]] = []
        self._own_lines = b""
        # An application may have something that answers whole requests without ASGI, as `AtOnce.answer` does.
        at_once = getattr(self.app, "at_once", None)
        self._answer_at_once: Answer | None = None if at_once is None else at_once.answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected, and is to begin."""
        super().connection_made(transport)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, for the request being answered too: uvicorn tells only the last one."""
        self._stop_deadline()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer what has come from memory, or parse it. A refused client is no longer heard."""
        if (
            self._is_between_requests
            and self._answer_at_once is not None
            and self._can_answer_now()
            and self._answer_at_once(data, self.client, self._write_answer)
        ):
            return
        is_small = len(data) <= _PIECE_BYTES  # the usual case, which needs no copies
        starts = range(0, len(data), _PIECE_BYTES)
        for piece in (data,) if is_small else [data[start : start + _PIECE_BYTES] for start in starts]:
            if self._has_refused:
                return
            self._parse(piece)
        if self._is_reading_head and self._deadline is None:
            self._start_deadline()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._has_begun = True
        self._is_reading_head = True
        self._is_between_requests = False
        self._framing_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._fault = _TARGET_TOO_LONG
            raise ValueError(self._fault.detail)  # which makes the parser stop

    def on_headers_complete(self) -> None:
        """The end of a head: now the request can be answered."""
        super().on_headers_complete()
        self._unset_keepalive_if_required()
        self._stop_deadline()
        self._is_reading_head = False
        # Trailers go into a list that nobody reads, not among the fields of a request that is being answered
        # (RFC 9110 section 6.5.1).
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._framing_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        super().on_message_complete()
        self._is_between_requests = True

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for long enough. Answers from memory do not set the timer anew."""
        idle = self.loop.time() - self._idle_since
        if idle < self.timeout_keep_alive:
            left = self.timeout_keep_alive - idle
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _can_answer_now(self) -> bool:
        """Whether every earlier answer is on its way, and the client reads what it is sent."""
        is_free = self.cycle is None or self.cycle.response_complete
        return is_free and not (self.flow.write_paused or self._has_refused or self.transport.is_closing())

    def _write_answer(self, status: int, fields: bytes, body: bytes) -> None:
        """Send a whole answer, framed as uvicorn frames its own, on a connection that stays open."""
        own = self.server_state.default_headers  # another list each second, for the Date in it
        if own is not self._own_fields:
            self._own_fields = own
            self._own_lines = b"".join([b"%b: %b\r\n" % field for field in own])
        head = b"".join((_STATUS_LINES[status], self._own_lines, fields, b"\r\n"))
        if len(body) <= _COPIED_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self.server_state.total_requests += 1
        self._stop_deadline()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _parse(self, piece: bytes) -> None:
        self._framing_bytes += len(piece)
        try:
            while True:
                try:
                    self.parser.feed_data(piece)
                    break
                except httptools.HttpParserUpgrade as stopped:
                    # The parser has not looked at what follows. It is the next request, for nothing is upgraded.
                    piece = piece[stopped.args[0] :]
        except httptools.HttpParserError:
            self._refuse(self._fault)
            return
        if self._framing_bytes > MAX_HEAD_BYTES:
            self._refuse(_HEAD_TOO_LARGE)

    def _refuse(self, refusal: _Refusal) -> None:
        self._has_refused = True
        self._stop_deadline()
        _log.warning("request_refused", status=refusal.status.value, client=self.client and self.client[0])
        if not self._is_reading_head and (self.cycle.response_started or self.pipeline):
            # What is wrong is the body of a request, and it is too late to tell.
            self.transport.close()
        elif self._is_reading_head and self._is_answering():
            # Bytes of ours between those of an earlier answer would be taken for its content.
            self.cycle.keep_alive = False
        else:
            if self._is_answering():
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self._send_and_linger(refusal)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _send_and_linger(self, refusal: _Refusal) -> None:
        body = problem_json(refusal.status, refusal.title, refusal.detail, refusal.slug)
        fields = [
            *self.server_state.default_headers,
            (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in NOT_STORED.items()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        status_line = f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}\r\n".encode()
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.transport.write(status_line + head + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self._head_seconds, self._head_is_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_is_late(self) -> None:
        if self._is_answering():
            # It may have come in time: nothing is read while earlier requests wait for their turn.
            self._start_deadline()
        elif self._has_begun:
            self._refuse(_LATE)
        else:
            self.transport.close()
