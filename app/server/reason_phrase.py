"""Reason phrases of our own: `403 Licence required`, which is all that wget and many others show of an error."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.responses.record import SCOPE_KEY, RequestRecord


def with_reason(app: ASGIApp, cycle: RequestResponseCycle) -> Any:
    """An application whose record of a request may name the reason phrase of its answer (RFC 9112 section 4).

    Args:
        app: what answers.
        cycle: the request.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_reason(message: Message) -> None:
            record: RequestRecord | None = scope.get(SCOPE_KEY)
            if message["type"] != "http.response.start" or record is None or not record.reason:
                await send(message)
                return
            line = b"HTTP/1.1 %d %b" % (message["status"], record.reason.encode("ascii"))
            transport = cycle.transport
            cycle.transport = _WithStatusLine(transport, line)
            try:
                await send(message)
            finally:
                cycle.transport = transport

        await app(scope, receive, send_with_reason)

    return answer


class _WithStatusLine(asyncio.Transport):
    """A transport through which one response head is written, with another first line.

    Args:
        transport: what it is written to.
        line: the first line without its end.
    """

    def __init__(self, transport: asyncio.Transport, line: bytes) -> None:
        super().__init__()
        self._transport = transport
        self._line = line

    def write(self, head: bytes | bytearray | memoryview) -> None:
        """Write a head."""
        head = bytes(head)
        self._transport.write(self._line + head[head.index(b"\r\n") :])
