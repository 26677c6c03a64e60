"""What the server does when it is told to stop, in the handler of the signal and after it."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from app.domain.drain import Drain
from app.server.draining import DrainingServer
from app.server.heartbeat import Pulse
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


class Beats(Pulse):
    """Counts what the parent would see."""

    count = 0

    def beat(self) -> None:
        self.count += 1


def server_of(*, delay: float = 0.0, pulse: Pulse | None = None) -> DrainingServer:
    return DrainingServer(uvicorn.Config(no_application), Drain(), delay=delay, pulse=pulse)


@pytest.mark.parametrize(("delay", "ends"), [(0.0, True), (3600.0, False)])
def test_the_sockets_close_when_the_delay_is_over_and_never_before_a_signal(delay: float, ends: bool) -> None:
    server = server_of(delay=delay)
    assert not asyncio.run(server.on_tick(1))
    server.handle_exit(signal.SIGTERM, None)
    assert asyncio.run(server.on_tick(2)) is ends
    is_forced = [server.force_exit]
    server.handle_exit(signal.SIGTERM, None)
    assert [*is_forced, server.force_exit] == [False, True]
    assert asyncio.run(server.on_tick(3))


def test_of_a_worker_the_parent_sees_a_sign_of_life_and_a_second_signal_means_nothing() -> None:
    pulse = Beats()
    server = server_of(delay=3600, pulse=pulse)
    for turn in (1, 2):
        server.handle_exit(signal.SIGTERM, None)
        assert not asyncio.run(server.on_tick(turn))
        assert pulse.count == turn


@pytest.mark.parametrize("is_worker", [False, True])
def test_signals_are_taken_while_it_serves_and_given_back(is_worker: bool) -> None:
    server = server_of(pulse=Beats() if is_worker else None)
    before = {number: signal.getsignal(number) for number in HANDLED_SIGNALS}
    with server.capture_signals():
        assert signal.getsignal(signal.SIGTERM) == server.handle_exit
        ours = signal.SIG_IGN if is_worker else server.handle_exit
        assert signal.getsignal(signal.SIGINT) == ours
    assert {number: signal.getsignal(number) for number in HANDLED_SIGNALS} == before
