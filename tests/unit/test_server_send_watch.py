"""Who is given up because nothing can be sent to them."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

import pytest

from app.server.send_watch import SendWatch
from tests.support.virtual_time import in_virtual_time

SECONDS = 60.0
ESTABLISHED, CLOSED = 1, 7


class Connection:
    """Says of itself what the system would say.

    Attributes:
        family: of its address.
        state: of TCP.
        last_sent: when anything was sent last, in seconds of the loop.
    """

    family = socket.AF_INET

    def __init__(self) -> None:
        self.state = ESTABLISHED
        self.last_sent = 0.0

    def getsockopt(self, level: int, name: int, size: int) -> bytes:
        idle = asyncio.get_running_loop().time() - self.last_sent
        return struct.pack("=B43xI", self.state, int(idle * 1000))


async def seconds_until_given_up(connection: Connection, sends_every: float | None = None) -> float:
    """How long it takes; the client takes something now and then for ten minutes, if it does at all."""
    loop = asyncio.get_running_loop()
    begun, given_up = loop.time(), asyncio.Event()
    watch = SendWatch(loop, cast("Any", connection), SECONDS, given_up.set)
    if sends_every is not None:
        while loop.time() - begun < 600:
            assert not given_up.is_set()
            connection.last_sent = loop.time()
            await asyncio.sleep(sends_every)
    await given_up.wait()
    watch.cancel()
    return loop.time() - begun


@in_virtual_time
async def test_who_takes_nothing_is_given_up() -> None:
    connection = Connection()
    connection.last_sent = -1000.0  # before the watch began, which does not count
    assert SECONDS <= await seconds_until_given_up(connection) <= SECONDS + 2


@in_virtual_time
async def test_who_takes_a_little_now_and_then_is_not() -> None:
    assert await seconds_until_given_up(Connection(), sends_every=SECONDS - 2) >= 600 + 2


@in_virtual_time
async def test_who_has_gone_is_given_up_at_once() -> None:
    connection = Connection()
    connection.state = CLOSED
    assert await seconds_until_given_up(connection) <= 1


@in_virtual_time
async def test_only_the_time_of_the_watch_counts() -> None:
    await asyncio.sleep(10 * SECONDS)  # a server that runs for long
    connection = Connection()  # which nothing was sent to in that time
    assert SECONDS <= await seconds_until_given_up(connection) <= SECONDS + 2


@in_virtual_time
async def test_a_watch_that_is_called_off_gives_nobody_up() -> None:
    given_up = asyncio.Event()
    watch = SendWatch(asyncio.get_running_loop(), cast("Any", Connection()), SECONDS, given_up.set)
    watch.cancel()
    await asyncio.sleep(2 * SECONDS)
    assert not given_up.is_set()


@pytest.mark.parametrize("is_gone", [True, False])
@in_virtual_time
async def test_a_program_on_this_host_is_given_up_when_it_has_gone(is_gone: bool) -> None:
    given_up = asyncio.Event()
    own, other = socket.socketpair(socket.AF_UNIX)
    with own, other:
        watch = SendWatch(asyncio.get_running_loop(), own, SECONDS, given_up.set)
        if is_gone:
            other.close()
        else:
            other.shutdown(socket.SHUT_WR)  # it has asked for all it wants, and reads on
        await asyncio.sleep(10 * SECONDS)
        assert given_up.is_set() == is_gone
        watch.cancel()
