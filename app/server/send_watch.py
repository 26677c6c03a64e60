"""Finds out which clients take nothing of what is sent to them, or have gone without a word.

One that has closed its connection looks like one that has half-closed it and reads on (RFC 9293 section 3.6), until
something is sent to it. Then the system knows, but tells only who reads or writes.
"""

from __future__ import annotations

import asyncio
import fcntl
import select
import socket
import struct
import termios
from collections.abc import Callable
from typing import Final

_LONGEST_STEP: Final = 1.0

_CLOSED: Final = 7
"""The state of a connection that was reset: TCP_CLOSE of Linux."""
_TCP_INFO: Final = struct.Struct("=B43xI")
"""The beginning of Linux' `struct tcp_info`: the state, and the milliseconds since data was sent last."""


class SendWatch:
    """Gives up a client that has gone, or to which nothing could be sent for too long.

    A client may be slow: what counts is that the system could send anything, however much still waits.

    Args:
        connection: over TCP. Of a Unix socket it is only noticed that the client has gone: the program at its other end
            is on this host, and has clients of its own to watch.
        seconds: how long nothing may be sent.
        give_up: called once if that is so; the watch has ended then.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        seconds: float,
        give_up: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._seconds = seconds
        self._give_up = give_up
        self._since = loop.time()
        self._wait()

    def cancel(self) -> None:
        """Watch no longer."""
        self._timer.cancel()

    def _wait(self) -> None:
        self._timer = self._loop.call_later(min(self._seconds / 4, _LONGEST_STEP), self._look)

    def _look(self) -> None:
        is_gone, idle_seconds = self._state()
        if is_gone or idle_seconds > self._seconds:
            self._give_up()
        else:
            self._wait()

    def _state(self) -> tuple[bool, float]:
        """Whether the client has gone, and the seconds for which nothing could be sent."""
        if self._connection.family == socket.AF_UNIX:
            return _is_hung_up(self._connection), 0.0
        info = self._connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        state, idle_milliseconds = _TCP_INFO.unpack(info)
        # What was sent before the watch began does not count.
        return state == _CLOSED, min(idle_milliseconds / 1000, self._loop.time() - self._since)


def has_sent_all(connection: socket.socket) -> bool:
    """Whether the other side has everything that was sent, so that nothing can wait before the system either."""
    waiting = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return not any(waiting)


def _is_hung_up(connection: socket.socket) -> bool:
    watched = select.poll()
    watched.register(connection, select.POLLOUT)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in watched.poll(0))
