"""Reads requests from the network, within bounds.

uvicorn's own protocol takes a request head of any size, and waits for the rest for as long as the client likes. Here
both are bounded, bodies have a deadline, and bytes that are not HTTP are refused in the form of all other errors. A
request whose answer is in memory is answered by one write, without the task and messages of ASGI.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any, Final, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.server.fast_path import MISSED, AnswersAtOnce
from app.server.framing import (
    RequestCutter,
    RequestLine,
    fault_of_framing,
    fault_of_line,
    host_of_target,
    origin_form,
    with_host,
)
from app.server.patience import USUAL_PATIENCE, Patience
from app.server.reason_phrase import with_reason
from app.server.refusals import (
    BAD_REQUEST,
    HEAD_TOO_LARGE,
    LATE,
    MAX_HEAD_BYTES,
    MAX_TARGET_BYTES,
    TARGET_TOO_LONG,
    Refusal,
    RequestRefused,
    answer_of,
)
from app.server.send_watch import SendWatch
from app.server.span_sender import with_spans
from app.server.unread import ReadingHttpProtocol
from app.server.whole_answer import WholeAnswers

_PIECE_BYTES: Final = 16 * 1024
"""Input is parsed in pieces of this size, so that no bound is passed by more than that."""

_log = structlog.get_logger("pierhead.access")


class BoundedHttpProtocol(ReadingHttpProtocol):
    """One connection. Requests to upgrade to another protocol are answered without the upgrade.

    Args:
        patience: how long it waits for the client.
        options: of uvicorn's protocol.
    """

    def __init__(self, *, patience: Patience = USUAL_PATIENCE, **options: Any) -> None:
        super().__init__(patience=patience, **options)
        self._deadline: TimerHandle | SendWatch | None = None
        self._answering: RequestResponseCycle | None = None
        self._has_begun = False
        self._is_reading_head = True
        self._has_refused = False
        self._is_last_request_known = False
        self._refusal = BAD_REQUEST
        self._framing_bytes = 0
        self._body_left = 0
        self._cutter = RequestCutter()
        self._line: RequestLine | None = RequestLine()
        self._is_between_requests = True
        self._idle_since = 0.0
        self._whole_answers: WholeAnswers = getattr(self.app, "whole_answers", None) or WholeAnswers()
        # An application may answer whole requests without ASGI, and do so in another way from now to then.
        self._has_fast_path = getattr(self.app, "fast_path", None) is not None
        self._missed: tuple[AnswersAtOnce, object] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first request."""
        super().connection_made(transport)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request being answered too: uvicorn informs only the last one."""
        self._stop_deadline()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer the received bytes from memory, or parse them. Input of a refused client is discarded."""
        if self._is_between_requests and self._has_fast_path and self._can_answer_now():
            fast_path: AnswersAtOnce = self.app.fast_path
            request = fast_path.read(data, self.client, self.scheme or "http")
            if request is not None:
                if fast_path.answer(request, self._write_answer):
                    return
                self._missed = fast_path, request
        for start in range(0, len(data), _PIECE_BYTES):
            self._parse(data[start : start + _PIECE_BYTES])
        is_incomplete = self._is_reading_head or self._is_reading_body()
        if is_incomplete and self._deadline is None and not self._has_refused:
            self._start_deadline()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends nothing more. Returns whether the connection stays open for answers."""
        self._stop_deadline()
        is_awaited = self._is_last_request_known or self._close_after_last_answer()
        if is_awaited or self.transport.get_write_buffer_size():
            self._deadline = self._watch(self._patience.half_closed)
        return is_awaited

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self._missed is not None:
            # One whole request was read: this is it.
            cast("dict[str, Any]", self.scope)[MISSED], self._missed = self._missed, None
        self._unset_keepalive_if_required()
        self._has_begun = True
        self._is_reading_head = True
        self._is_between_requests = False
        self._framing_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._stop_parser(TARGET_TOO_LONG)

    def on_headers_complete(self) -> None:
        """The end of a head: now the request can be answered."""
        if fault := fault_of_framing(self.parser.get_http_version(), self.headers):
            self._stop_parser(fault)
        if (host := host_of_target(self.url)) is not None:
            self.headers[:] = with_host(self.headers, host)
        self.url = origin_form(self.url)
        self._body_left = int(next((value for name, value in self.headers if name == b"content-length"), 0))
        super().on_headers_complete()
        self._unset_keepalive_if_required()
        self._stop_deadline()
        self._is_reading_head = False
        # Trailers go into an unused list, not among the fields of a request that is being answered
        # (RFC 9110 section 6.5.1).
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._framing_bytes -= len(body)
        self._body_left = max(0, self._body_left - len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        super().on_message_complete()
        self._stop_deadline()
        self._is_between_requests = True
        self._body_left = 0
        self._line = RequestLine()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for long enough. Answers from memory do not restart the timer."""
        idle = self.loop.time() - self._idle_since
        if idle < self.timeout_keep_alive:
            left = self.timeout_keep_alive - idle
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _can_answer_now(self) -> bool:
        """Whether every earlier answer was sent, and the client reads."""
        if self._has_refused or self.flow.write_paused or self.transport.is_closing():
            return False
        return self.cycle is None or self.cycle.response_complete

    def _write_answer(self, status: int, fields: bytes, body: bytes) -> None:
        """Send a whole answer on a connection that stays open."""
        state = self.server_state
        self._whole_answers.write(self.transport, status, state.default_headers, fields, body)
        state.total_requests += 1
        if self._deadline is not None:
            self._stop_deadline()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, with_reason(with_spans(app, cycle, self._patience.unread), cycle))

    def _parse(self, piece: bytes) -> None:
        while piece and not self._has_refused:
            length = self._cutter.length(piece, self._body_left)
            self._feed(piece[:length])
            piece = piece[length:]

    def _feed(self, piece: bytes) -> None:
        """Parse bytes of at most one request."""
        self._framing_bytes += len(piece)
        if self._line is not None:
            encoded = self._line.in_ascii(piece)
            if (line := self._line.is_read(piece)) is not None:
                self._line = None
                if fault := fault_of_line(line):
                    self._refuse(fault)
                    return
            piece = encoded
        try:
            self._feed_parser(piece)
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return
        if self._framing_bytes > MAX_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE)

    def _feed_parser(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as stopped:
            # The parser has not read the rest. It is the next request, since nothing is upgraded.
            self._feed_parser(piece[stopped.args[0] :])

    def _stop_parser(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise RequestRefused(refusal)

    def _refuse(self, refusal: Refusal) -> None:
        self._has_refused = True
        self._stop_deadline()
        _log.warning("request_refused", status=refusal.status.value, client=self.client and self.client[0])
        if self._close_after_last_answer():
            return  # bytes of ours within an earlier answer would be taken for its content
        if self._is_reading_body() and self.cycle.response_started:
            self.transport.close()  # what is wrong is the body of a request, and it is too late to tell
            return
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._send_and_linger(refusal)

    def _close_after_last_answer(self) -> bool:
        """Have the connection closed once every request that has come as a whole is answered.

        Returns:
            Whether there is one that is not answered yet. If not, nothing has happened.
        """
        last: RequestResponseCycle | None = None
        if not self._is_reading_body():
            last = self.cycle if self._is_answering() else None
        elif self.pipeline:
            # The request with this body waits for its turn: it is as if it had not come.
            self.pipeline.popleft()
            last = self.pipeline[0][0] if self.pipeline else self._answering
        if last is not None:
            last.keep_alive = False
            self._is_last_request_known = True
        return last is not None

    def _is_reading_body(self) -> bool:
        return not (self._is_reading_head or self._is_between_requests)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _send_and_linger(self, refusal: Refusal) -> None:
        self.transport.write(answer_of(refusal, self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(self._patience.refusal, self.transport.close)
        else:
            self.transport.close()

    def _start_deadline(self) -> None:
        seconds = self._patience.body if self._is_reading_body() else self._patience.head
        self._deadline = self.loop.call_later(seconds, self._is_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_late(self) -> None:
        if self._is_held_up():
            self._start_deadline()
        elif self._has_begun:
            self._refuse(LATE)
        else:
            self.transport.close()

    def _is_held_up(self) -> bool:
        """Whether the rest may have come in time but was not read, or is no longer expected."""
        if not self._is_reading_body():
            return self._is_answering()  # input is not read while earlier requests wait
        return bool(self.pipeline) or self.flow.read_paused or self.cycle.response_started
