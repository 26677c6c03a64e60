"""An event loop that lets new clients in however busy the others keep it.

libuv accepts one connection each time round the loop. While hundreds of clients ask without a pause, one round answers all of them, and
a client that has just connected waits for seconds.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import uvloop

from app.server.tls import HANDSHAKE_SECONDS

ACCEPTED_AT_ONCE: Final = 128
"""Connections that are accepted in one round of the loop. If so many come at once, it takes them and their first requests some fifteen
milliseconds, in which nobody else is answered. With fewer, the last of thousands of busy clients waits longer: each round answers all
who are in."""


class AcceptingLoop(uvloop.Loop):
    """uvloop, whose servers accept many connections at once."""

    async def create_server(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], *args: Any, **options: Any
    ) -> Any:
        """See `asyncio.loop.create_server`. What listens on a socket that was made elsewhere accepts many at once."""
        listening: socket.socket | None = options.get("sock")
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = HANDSHAKE_SECONDS
        if listening is not None and listening.family == socket.AF_UNIX:
            options.pop("backlog", None)
            server = await super().create_unix_server(protocol_factory, *args, **options)
        else:
            server = await super().create_server(protocol_factory, *args, **options)
        tls: ssl.SSLContext | None = options.get("ssl")
        return server if listening is None else _EagerServer(self, server, listening, protocol_factory, tls)


class _EagerServer:
    """A server with a second accepting hand, on a duplicate of its socket: the loop lets nobody watch the first."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: asyncio.AbstractServer,
        listening: socket.socket,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._loop = loop
        self._server = server
        self._listening = listening.dup()
        self._listening.setblocking(False)
        self._protocol_factory = protocol_factory
        self._tls = tls
        self._opening: set[asyncio.Task[Any]] = set()
        loop.add_reader(self._listening.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more."""
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening.fileno())
            self._listening.close()
        self._server.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def _accept(self) -> None:
        with suppress(OSError):  # there is none left, or no descriptor; libuv turns clients away then
            for _ in range(ACCEPTED_AT_ONCE):
                connection, _address = self._listening.accept()
                connection.setblocking(False)
                opening = self._loop.create_task(self._open(connection))
                self._opening.add(opening)
                opening.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol_factory,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._tls else None,
            )
        except OSError:  # the client has gone again
            connection.close()
