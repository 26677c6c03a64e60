"""What a service manager such as systemd is told, and what it hands over: sd_notify(3) and sd_listen_fds(3)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final

FIRST_DESCRIPTOR: Final = 3
"""SD_LISTEN_FDS_START."""
ADMIN_NAME: Final = "admin"
"""`FileDescriptorName=` of the operator's listener; all others are public."""


class ServiceManager:
    """Says how this process is doing. Without a service manager that wants to know, it says nothing.

    Args:
        environ: of this process. What is meant for it alone is taken out, so that no other process takes it for its own.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")
        self._beat_seconds = _beat_seconds(environ)
        self._beat_at = 0.0
        self._is_stopping = False

    def ready(self) -> None:
        """It serves, as it was last told to."""
        self._say_state("READY=1")

    def reloading(self) -> None:
        """It reads its settings again; `ready` follows."""
        self._say_state(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It has begun to stop: the last state that is said."""
        self._say("STOPPING=1")
        self._is_stopping = True

    def beat(self) -> None:
        """It runs. May be called as often as one likes: twice in each period that the service manager waits, it is said."""
        if self._beat_seconds and time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + self._beat_seconds
            self._say("WATCHDOG=1")

    def _say_state(self, text: str) -> None:
        if not self._is_stopping:
            self._say(text)

    def _say(self, text: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is in the abstract namespace (unix(7)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            with suppress(OSError):  # it does not listen, or not now: there is nobody else to tell
                sender.sendto(text.encode("ascii"), address)


def _beat_seconds(environ: MutableMapping[str, str]) -> float:
    """Half the period within which a sign of life is expected; 0 if none is."""
    period, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
    is_ours = not pid or pid == str(os.getpid())
    return int(period) / 2e6 if period.isdigit() and is_ours else 0.0


def passed_sockets(environ: MutableMapping[str, str]) -> tuple[list[socket.socket], list[socket.socket]]:
    """The sockets that the service manager listens on for this process, those of the public and those of the operator.

    Args:
        environ: as `ServiceManager` takes it.

    Raises:
        OSError: names the descriptor that is not a listening stream socket.
    """
    count, pid, names = (environ.pop(name, "") for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"))
    public: list[socket.socket] = []
    admin: list[socket.socket] = []
    if not count.isdigit() or pid != str(os.getpid()):
        return public, admin
    named = names.split(":")
    for place in range(int(count)):
        is_admin = place < len(named) and named[place] == ADMIN_NAME
        (admin if is_admin else public).append(_adopted(FIRST_DESCRIPTOR + place))
    return public, admin


def _adopted(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    passed = socket.socket(fileno=descriptor)
    listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if passed.type != socket.SOCK_STREAM or not listens:
        passed.close()
        raise OSError(f"descriptor {descriptor} from the service manager is not a stream socket that listens")
    return passed
