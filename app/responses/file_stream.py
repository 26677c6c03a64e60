"""Sends a body while it is read from the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.types import Receive, Scope, Send

from app.responses.streaming import SPAN, body_message, send_fairly, span_message, until_gone
from app.storage.store import SocketSource

OpenPart = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]
Pump = Callable[[AsyncIterator[bytes], Send], Awaitable[None]]


class FileStream:
    """A body made of literal bytes and of spans read from the store, in order.

    The first span is opened before the status is sent, so that a store that fails at once still causes a
    proper error.

    Args:
        status: 200 or 206.
        headers: all, with Content-Length.
        parts: bytes as they are, or something that opens a span.
    """

    def __init__(self, status: int, headers: Mapping[str, str], parts: Sequence[bytes | OpenPart]) -> None:
        self._status = status
        self._headers = headers
        self._parts = parts
        self._opened: AbstractAsyncContextManager[AsyncIterator[bytes]] | None = None
        self._first: AsyncIterator[bytes] | None = None

    async def open(self) -> FileStream:
        """Open the first span.

        Raises:
            NotFound, ObjectChanged, StoreError: as `ObjectStore.open_range`.
        """
        first = next((part for part in self._parts if not isinstance(part, bytes)), None)
        if first is not None:
            self._opened = first()
            self._first = await self._opened.__aenter__()
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pump = _pump_to_socket if SPAN in scope.get("extensions", ()) else _pump
        await until_gone(receive, self._send(send, pump))

    async def _send(self, send: Send, pump: Pump) -> None:
        is_first = True
        try:
            await send(_start(self._status, self._headers))
            for part in self._parts:
                if isinstance(part, bytes):
                    await send(body_message(part))
                elif is_first and self._first is not None:
                    is_first = False
                    await pump(self._first, send)
                else:
                    async with part() as chunks:
                        await pump(chunks, send)
            await send(body_message(b"", more=False))
        finally:
            if self._opened is not None:
                await self._opened.__aexit__(None, None, None)


async def _pump_to_socket(chunks: AsyncIterator[bytes], send: Send) -> None:
    if isinstance(chunks, SocketSource) and chunks.straight:
        await send(span_message(chunks))
    await _pump(chunks, send)


async def _pump(chunks: AsyncIterator[bytes], send: Send) -> None:
    async for chunk in chunks:
        await send_fairly(chunk, send)


def _start(status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}
