"""What the server does when it is told to stop, in the handler of the signal and after it."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest
import uvicorn

from app.domain.drain import Drain
from app.server.draining import DrainingServer
from app.server.service_manager import ServiceManager


async def no_application(scope: object, receive: object, send: object) -> None:
    """Nobody calls it."""


@pytest.mark.parametrize("is_second", [False, True])
def test_the_handler_of_a_signal_calls_nothing_that_may_take_a_lock(tmp_path: Path, is_second: bool) -> None:
    """What it interrupts may hold that lock. It would wait for itself, and the process would never end."""
    drain = Drain()
    noted: list[str] = []
    drain.note = lambda: noted.append("noted")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        told = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        server = DrainingServer(uvicorn.Config(no_application), drain, delay=3600, manager=told)
        server.handle_exit(signal.SIGTERM, None)
        if is_second:
            server.handle_exit(signal.SIGTERM, None)
        assert drain.has_begun
        assert not noted
        with pytest.raises(BlockingIOError):
            manager.recv(100)
        ends = [asyncio.run(server.on_tick(turn)) for turn in (1, 2)]
        assert ends == [is_second, is_second]
        assert noted == ["noted"]
        assert manager.recv(100) == b"STOPPING=1"
