"""One answer on its way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from app.responses.caching import RawField, Variation
from app.responses.headers import PAGE_SECURITY_POLICY
from app.responses.record import RequestRecord
from app.responses.streaming import PIECE_BYTES, SPAN, send_fairly
from app.storage.store import SocketSource
from app.telemetry.trace import Trace

SERVER_FAILS: Final = 500


class OutgoingAnswer:
    """Watches one answer on its way out, and puts the shared headers on it.

    Attributes:
        status: as it was sent; 0 before that.
        body_bytes: how many have been sent.

    Args:
        shared: headers that every answer has.
        variation: says on what else answers depend.
        for_all: raw headers of an answer that anybody gets.
        record: of the request.
        trace: of the request. Its id is named where the client gave it, and where the server fails: elsewhere,
            answers that are alike stay alike.
    """

    def __init__(
        self,
        send: Send,
        shared: Mapping[str, str],
        variation: Variation,
        for_all: Sequence[RawField],
        record: RequestRecord,
        trace: Trace,
    ) -> None:
        self._send = send
        self._shared = shared
        self._variation = variation
        self._for_all = for_all
        self._record = record
        self._trace = trace
        self.status = 0
        self.body_bytes = 0

    async def send(self, message: Message) -> None:
        """Send a part of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._shared.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", PAGE_SECURITY_POLICY)
            if vary := self._variation.of(headers.get("Vary", ""), self._record.root_path):
                headers["Vary"] = vary
            if self._trace.is_given or self.status >= SERVER_FAILS:
                headers["X-Request-Id"] = self._trace.request_id
            if self._record.is_for_all:
                headers.raw.extend(self._for_all)
        elif self._record.is_head:
            message = {**message, "body": b""}
        elif message["type"] == SPAN:
            await self._send_span(message)
            return
        else:
            await self._send_body(message)
            return
        await self._send(message)

    async def _send_body(self, message: Message) -> None:
        """A body in memory, in pieces that are not copied: while the system copies megabytes, nobody else has a turn."""
        body = memoryview(message.get("body", b""))
        last = max(0, (len(body) - 1) // PIECE_BYTES) * PIECE_BYTES
        for start in range(0, last, PIECE_BYTES):
            self.body_bytes += PIECE_BYTES
            await send_fairly(body[start : start + PIECE_BYTES], self._send)
        self.body_bytes += len(body) - last
        await self._send({**message, "body": body[last:]} if last else message)

    async def _send_span(self, message: Message) -> None:
        source: SocketSource = message["source"]
        length = source.straight
        try:
            await self._send(message)
        finally:
            self.body_bytes += length - source.straight
