"""uvicorn's server with a second listener for the operator, and an end that clients do not notice.

When it is told to stop, the server first says so to those who ask whether it is ready, and still takes connections until
they have had the time to look. Then it closes its sockets, and running answers have a while to finish.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import HANDLED_SIGNALS, ServerState

from app.domain.drain import Drain
from app.server.heartbeat import LEAVE_SECONDS, Pulse
from app.server.protocol import BoundedHttpProtocol
from app.server.service_manager import ServiceManager


class DrainingServer(uvicorn.Server):
    """Serves until it is told to stop.

    Args:
        config: of uvicorn.
        drain: begins when it is told to stop.
        delay: seconds after that in which new connections are still taken.
        admin: the second listener.
        manager: told what becomes of it.
        pulse: of a worker, whose parent is to know that its event loop turns. The parent tells it to stop, too; a second
            signal then means nothing, for service managers send one to every process.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Drain,
        *,
        delay: float = 0.0,
        admin: AdminListener | None = None,
        manager: ServiceManager | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._delay = delay
        self._admin = admin
        self._manager = manager or ServiceManager({})
        self._pulse = pulse
        self._close_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; end at once if asked a second time.

        As a signal handler, this only sets flags. What it interrupts may hold a lock of the log or the metrics.
        """
        del sig, frame
        if not self._drain.has_begun:
            self._close_at = time.monotonic() + self._delay
            self._drain.begin()
        elif self._pulse is None:
            self.end_at_once()

    def end_at_once(self) -> None:
        """Do not wait for anything any more. A signal handler may call this."""
        self._drain.begin()
        self.should_exit = self.force_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving. uvicorn would raise them again in the end, as if nobody had taken them."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        if self._pulse is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all processes
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open both listeners."""
        await super().startup(sockets)
        if self._admin is not None and self.started:
            await self._admin.open(self.server_state)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to close the sockets; called ten times a second."""
        self._manager.beat()
        if self._pulse is not None:
            self._pulse.beat()
        if self._drain.tell():
            self._manager.stopping()
        if self._drain.has_begun and time.monotonic() >= self._close_at:
            self.should_exit = True
        ends = await super().on_tick(counter)
        if self._admin is not None:
            self._admin.state.default_headers = self.server_state.default_headers
        return ends

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the public listener, wait for what is running, and close the other one."""
        await super().shutdown(sockets)
        if self.force_exit:
            await self._close_at_once()
        if self._admin is not None:
            self._admin.close()

    async def _close_at_once(self) -> None:
        """End what is running, and let the application close: uvicorn leaves both to the end of the event loop."""
        for task in self.server_state.tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.lifespan.shutdown()


class AdminListener:
    """Serves another application beside the public one, in the same event loop, to its very end.

    Attributes:
        state: of uvicorn.

    Args:
        app: answers.
        sockets: listening.
        options: of uvicorn.
    """

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket], options: dict[str, Any]) -> None:
        self.state = ServerState()
        self._sockets = sockets
        self._config = uvicorn.Config(app, **(options | {"lifespan": "off", "interface": "asgi3"}))
        self._servers: list[asyncio.Server] = []

    async def open(self, public: ServerState) -> None:
        """Begin to listen.

        Args:
            public: of the server beside it.
        """
        self._config.load()
        self.state.default_headers = public.default_headers
        loop = asyncio.get_running_loop()
        self._servers = [await loop.create_server(self._protocol, sock=sock) for sock in self._sockets]

    def close(self) -> None:
        """Stop."""
        for server in self._servers:
            server.close()
        for connection in list(self.state.connections):
            connection.shutdown()

    def _protocol(self) -> asyncio.Protocol:
        return BoundedHttpProtocol(config=self._config, server_state=self.state, app_state={})
