"""Lines that are sent as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.errors import StoreError
from app.responses.record import CLIENT_GONE, SCOPE_KEY, broken_by_store
from app.responses.streaming import body_message, send_fairly, until_gone

CHUNK_BYTES: Final = 16 * 1024
"""Lines are held until they are so many bytes together: one by one, each would be a call of the kernel."""
SEND_NOW: Final = b""
"""Among lines: what is held is to be sent, as the next line may take long."""


class LineStream(Response):
    """Lines sent as they come, in chunks.

    Where their source fails the answer just ends without its last message, and the record says why: the
    framework would take an error that it sees for one that it can still answer.

    Args:
        first: the lines already there, which are sent at once.
        rest: those that follow, or None; `SEND_NOW` among them.
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
        """Wait for the first line, so that an error before it is answered with its own status."""
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


async def _send_lines(lines: AsyncIterator[bytes], send: Send) -> None:
    held = bytearray()
    async for line in lines:
        held += line
        if line == SEND_NOW or len(held) >= CHUNK_BYTES:
            await send_fairly(bytes(held), send)
            held.clear()
    await send(body_message(bytes(held)))
