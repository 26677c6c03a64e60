"""Waiting for a server that has been started, on a port that was free a moment ago."""

from __future__ import annotations

import secrets
import socket
import time
import urllib.request
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 120.0
"""Seconds: longer than any answer takes, shorter than a test may."""
_PORTS = range(12_000, 32_000)
"""Below those that the system gives to connections: none of these takes a port before its server has it."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens, as good as never the same for two who ask."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Ask again and again until it is so, or the time is over. Returns whether it was."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.05)
    return False


def fetch(url: str) -> bytes:
    """The body of a successful answer.

    Raises:
        OSError: there was none.
    """
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return bytes(answer.read())


def answers(url: str) -> bool:
    """Whether there is a successful answer."""
    try:
        fetch(url)
    except OSError:
        return False
    return True
