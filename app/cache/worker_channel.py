"""Lets the workers of one replica tell each other what has changed. Each has a cache of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath

DIRECTORY_VARIABLE: Final = "_PIERHEAD_SIBLINGS"
"""Names the directory of the workers' sockets; set by the process that starts them."""
MAX_MESSAGE_BYTES: Final = 32 * 1024
SEND_SECONDS: Final = 2.0

_SEPARATOR: Final = b"\0"
"""No path contains it."""

_log = structlog.get_logger(__name__)


class WorkerChannel:
    """One worker's end: a datagram socket with a name of its own in a directory that all of them know.

    Args:
        directory: where the sockets are; nobody else may write there.
        hear: called with each path that another worker sends.
    """

    def __init__(self, directory: Path, hear: Callable[[ArtifactPath], None]) -> None:
        self._directory = directory
        self._hear = hear
        self._own = directory / f"{os.getpid()}-{secrets.token_hex(4)}.sock"  # for a moment, a worker has two
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def open(self) -> None:
        """Begin to listen, on the running event loop."""
        self._socket.bind(str(self._own))
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive)

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._own.unlink(missing_ok=True)

    async def tell(self, paths: Sequence[ArtifactPath]) -> None:
        """Send changed paths to every other worker. One that cannot be reached notices by its own refreshes."""
        for message in _messages(paths):
            await asyncio.to_thread(self._send, message)

    def _send(self, message: bytes) -> None:
        for name in self._directory.glob("*.sock"):
            if name == self._own:
                continue
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(SEND_SECONDS)
                try:
                    sender.sendto(message, str(name))
                except (ConnectionRefusedError, FileNotFoundError):
                    name.unlink(missing_ok=True)  # of a worker that is gone
                except OSError as error:
                    _log.warning("sibling_not_told", sibling=name.stem, reason=error.strerror)

    def _receive(self) -> None:
        try:
            message = self._socket.recv(MAX_MESSAGE_BYTES)
        except BlockingIOError:
            return
        for text in message.split(_SEPARATOR):
            try:
                self._hear(ArtifactPath.from_text(text.decode("utf-8", "surrogateescape")))
            except RequestError:
                _log.warning("sibling_told_nonsense")


def _messages(paths: Sequence[ArtifactPath]) -> list[bytes]:
    """The paths in messages, as many in each as fit."""
    messages: list[bytes] = []
    for path in paths:
        text = path.to_bytes()
        if messages and len(messages[-1]) + len(_SEPARATOR) + len(text) <= MAX_MESSAGE_BYTES:
            messages[-1] += _SEPARATOR + text
        else:
            messages.append(text)
    return messages
