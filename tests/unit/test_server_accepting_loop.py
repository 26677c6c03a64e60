"""New clients are let in at once, and not one each time round the loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.server.accepting_loop import AcceptingLoop

CLIENTS = 60


class Noting(asyncio.Protocol):
    def __init__(self, made: list[asyncio.BaseTransport]) -> None:
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made.append(transport)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=2 * CLIENTS) as listening:
        yield listening


def test_all_who_wait_are_let_in_within_a_few_rounds(listening: socket.socket) -> None:
    made: list[asyncio.BaseTransport] = []

    async def rounds_until_all_are_in() -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Noting(made), sock=listening, backlog=2 * CLIENTS)
        rounds = 0
        while len(made) < CLIENTS and rounds < 1000:
            await asyncio.sleep(0)
            rounds += 1
        server.close()
        for transport in made:
            transport.close()
        return rounds

    with ExitStack() as stack, asyncio.Runner(loop_factory=AcceptingLoop) as runner:
        address = listening.getsockname()
        for _ in range(CLIENTS):
            stack.enter_context(socket.create_connection(address, 10))
        assert runner.run(rounds_until_all_are_in()) < CLIENTS / 2


def test_nobody_is_let_in_after_the_end(listening: socket.socket) -> None:
    made: list[asyncio.BaseTransport] = []

    async def serve_and_close() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Noting(made), sock=listening)
        for _ in range(2):
            server.close()
        await server.wait_closed()

    address = listening.getsockname()
    with asyncio.Runner(loop_factory=AcceptingLoop) as runner:
        runner.run(serve_and_close())
        listening.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 10)
    assert made == []
