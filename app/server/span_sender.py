"""Bodies that go from a file straight to the socket, beside the transport that everything else is written through."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.responses.streaming import SPAN
from app.server.send_watch import SendWatch
from app.storage.store import SocketSource


def with_spans(app: Any, cycle: RequestResponseCycle, patience: float) -> Any:
    """An application that may send spans in answer to one request, if the client gets what is written to the socket.

    Args:
        patience: seconds that the client may take nothing.
    """
    transport = cycle.transport
    is_plain = (
        transport.get_extra_info("sslcontext") is None and transport.get_extra_info("socket") is not None
    )
    return _SpanSender(app, cycle, patience) if is_plain else app


class _SpanSender:
    """An ASGI application whose server takes messages of type `SPAN` for one request.

    Args:
        app: what answers.
        cycle: the request, on a connection without TLS.
        patience: seconds that the client may take nothing.
    """

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle, patience: float) -> None:
        self._app = app
        self._cycle = cycle
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_either(message: Message) -> None:
            if message["type"] == SPAN:
                await self._send(message["source"])
            else:
                await send(message)

        scope["extensions"] = {**scope.get("extensions", {}), SPAN: {}}
        await self._app(scope, receive, send_either)

    async def _send(self, source: SocketSource) -> None:
        """Send a whole span.

        Raises:
            ClientDisconnect: the client went away before the end, or takes nothing any more.
            RuntimeError: it is longer than what was announced.
            What the source raises.
        """
        cycle = self._cycle
        if source.straight > cycle.expected_content_length:
            raise RuntimeError("Response content longer than Content-Length")
        cycle.expected_content_length -= source.straight
        connection = socket.socket(fileno=os.dup(cycle.transport.get_extra_info("socket").fileno()))
        watch = SendWatch(asyncio.get_running_loop(), connection, self._patience, partial(_break, connection))
        try:
            while source.straight and not cycle.disconnected:
                await _writable(connection.fileno())
                if not cycle.transport.get_write_buffer_size():  # what the transport holds comes first
                    await source.write_some(connection.fileno())
        except ConnectionError:
            cycle.disconnected = True
            cycle.transport.abort()
        finally:
            watch.cancel()
            connection.close()
        if cycle.disconnected:
            raise ClientDisconnect


def _break(connection: socket.socket) -> None:
    """Shut a connection down, so that a wait for it ends."""
    with suppress(OSError):  # it is broken already
        connection.shutdown(socket.SHUT_RDWR)


async def _writable(connection: int) -> None:
    """Wait until a socket takes bytes again, or is broken. The loop lets nobody watch a descriptor that a transport has."""
    loop = asyncio.get_running_loop()
    is_writable = asyncio.Event()
    loop.add_writer(connection, is_writable.set)
    try:
        await is_writable.wait()
    finally:
        loop.remove_writer(connection)
