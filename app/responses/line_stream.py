"""Sends lines as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.access import Principal
from app.domain.errors import BadParameter, StoreError
from app.responses.record import CLIENT_GONE, SCOPE_KEY, broken_by_store, note_for_all, record_of
from app.responses.streaming import body_message, send_fairly, until_gone

CHUNK_BYTES: Final = 64 * 1024
"""Lines are collected up to this many bytes, to save system calls."""
SEND_NOW: Final = b""
"""Among lines: send the collected ones now, because the next line may take long."""


class LineStream(Response):
    """Lines sent as they come, in chunks.

    If their source fails, the answer ends without its last message, and the record says why: the
    framework would try to answer an exception.

    Args:
        first: the lines already there, which are sent at once.
        rest: the others, or None; may include `SEND_NOW`.
        headers: without Content-Length.
    """

    def __init__(
        self, first: Sequence[bytes], rest: AsyncGenerator[bytes, None] | None, headers: Mapping[str, str]
    ) -> None:
        # As the framework's own streams do, which have no body to give to the constructor either.
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        self._first = first
        self._rest = rest

    @classmethod
    async def start(cls, lines: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> LineStream:
        """Wait for the first line, so that an error before it gets its own status."""
        async for line in lines:
            return cls([line], lines, headers)
        return cls([], None, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await until_gone(receive, self._send(send))
        except StoreError as error:
            scope[SCOPE_KEY].ended = broken_by_store(error)
        except ClientDisconnect:
            scope[SCOPE_KEY].ended = CLIENT_GONE

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send_fairly(b"".join(self._first), send)
        if self._rest is not None:
            async with aclosing(self._rest) as rest:
                await _send_lines(rest, send)
        await send(body_message(b"", more=False))


def has_chunks(request: Request) -> bool:
    """Whether the client can tell a broken stream: HTTP/1.0 has no chunks, so there it would look complete."""
    return bool(request.scope["http_version"] != "1.0")


def require_chunks(request: Request, what: str) -> None:
    """Refuse a stream to clients that could not tell that it broke.

    Args:
        what: is streamed, for the message.

    Raises:
        BadParameter: the client speaks HTTP/1.0.
    """
    if not has_chunks(request):
        raise BadParameter(what, "requested with HTTP/1.1 or later")


async def stream_lines(
    request: Request, principal: Principal, lines: AsyncGenerator[bytes, None], headers: Mapping[str, str]
) -> Response:
    """Answer with lines as they come; a HEAD gets the fields alone.

    Args:
        principal: who asks, which the record notes once the first line is there.
        headers: without Content-Length.

    Raises:
        Whatever the lines raise before the first.
    """
    stream = await LineStream.start(lines, headers)
    note_for_all(request, principal)
    if record_of(request).is_head:
        await lines.aclose()
        # No Content-Length, which would have to be that of a GET (RFC 9110 section 8.6).
        return LineStream([], None, headers)
    return stream


async def _send_lines(lines: AsyncIterator[bytes], send: Send) -> None:
    held = bytearray()
    async for line in lines:
        held += line
        if line == SEND_NOW or len(held) >= CHUNK_BYTES:
            await send_fairly(bytes(held), send)
            held.clear()
    await send(body_message(bytes(held)))
