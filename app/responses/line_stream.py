"""Answers whose body is not in memory.

Each watches for the client going away, so that nothing is read from the store for nobody. When the source
breaks, the error goes up to the front door, which cuts the connection: a client is never left with a part
that looks like the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.errors import StoreError
from app.responses.record import SCOPE_KEY

CHUNK_BYTES: Final = 16 * 1024
"""Lines are held until they are so many bytes together: one by one, each would be a call of the kernel."""
SEND_NOW: Final = b""
"""Among lines: what is held is to be sent, as the next line may take long."""

OpenPart = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


class FileStream:
    """A body made of literal bytes and of spans read from the store, in order.

    The first span is opened before the status is sent, so that a store that fails at once still gives a
    proper error.

    Args:
        status: 200 or 206.
        headers: all of them, Content-Length included.
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
        await _until_gone(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        is_first = True
        try:
            await send(_start(self._status, self._headers))
            for part in self._parts:
                if isinstance(part, bytes):
                    await send(_body(part))
                elif is_first and self._first is not None:
                    is_first = False
                    await _pump(self._first, send)
                else:
                    async with part() as chunks:
                        await _pump(chunks, send)
            await send(_body(b"", more=False))
        finally:
            if self._opened is not None:
                await self._opened.__aexit__(None, None, None)


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
            await _until_gone(receive, self._send(send))
        except StoreError as error:
            scope[SCOPE_KEY].broken = str(error)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await _send_fairly(b"".join(self._first), send)
        if self._rest is not None:
            async with aclosing(self._rest) as rest:
                await _send_lines(rest, send)
        await send(_body(b"", more=False))


async def _send_lines(lines: AsyncIterator[bytes], send: Send) -> None:
    held = bytearray()
    async for line in lines:
        held += line
        if line == SEND_NOW or len(held) >= CHUNK_BYTES:
            await _send_fairly(bytes(held), send)
            held.clear()
    await send(_body(bytes(held)))


async def _pump(chunks: AsyncIterator[bytes], send: Send) -> None:
    async for chunk in chunks:
        await _send_fairly(chunk, send)


async def _send_fairly(body: bytes, send: Send) -> None:
    """Send a piece of a body, and let others run.

    Neither a store that has its bytes at hand nor a connection that takes them ever waits, so without this
    one body could hold up the whole server, and nobody would notice that its client has gone.
    """
    await send(_body(body))
    await asyncio.sleep(0)


async def _until_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, or cancel it when the client goes away."""
    sending = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            sending.cancel()
        await _settled(sending)
    finally:
        watching.cancel()
        if not sending.done():
            # The server itself is being stopped: take the body down too, and let it close its source.
            sending.cancel()
            await _settled(sending)


async def _settled(sending: asyncio.Future[None]) -> None:
    try:
        await sending
    except asyncio.CancelledError:
        if not sending.cancelled():
            raise


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}


def _body(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
