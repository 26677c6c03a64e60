"""Shared by all answers whose body is not in memory.

Each watches whether the client goes away, so that nothing is read from the store for nobody. When the source
breaks, the error goes up to the front door, which cuts the connection: a client never gets a part
that looks complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Send

from app.storage.store import SocketSource

PIECE_BYTES: Final = 4 * 1024 * 1024
"""A body in memory goes out in pieces of this size. The system copies one in a millisecond or two."""
SPAN: Final = "pierhead.response.span"
"""Type of a message with a `SocketSource` in place of bytes, for servers that have it among their ASGI extensions."""


async def send_fairly(body: bytes | memoryview, send: Send) -> None:
    """Send a piece of a body, and let others run.

    A store with buffered bytes and a connection that accepts them never wait. Without this,
    one body could block the whole server, and a client that goes away would not be noticed.
    """
    await send(body_message(body))
    await asyncio.sleep(0)


async def until_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work`, or cancel it when the client goes away.

    Raises:
        ClientDisconnect: the client went away before the end.
        Anything that `work` raises.
    """
    sending = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            sending.cancel()
            await _settled(sending)
            raise ClientDisconnect
        await sending
    finally:
        watching.cancel()
        if not sending.done():
            # The server is stopping: cancel the body too, and let it close its source.
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


def span_message(source: SocketSource) -> dict[str, Any]:
    return {"type": SPAN, "source": source}


def body_message(body: bytes | memoryview, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
