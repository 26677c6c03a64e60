"""Answers that are in memory as a whole, as they go to the network."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

_COPIED_BYTES: Final = 64 * 1024
"""Bodies up to this size are copied behind their head: cheaper than handing over two pieces."""

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class WholeAnswers:
    """Writes answers to one connection, framed as uvicorn frames its own."""

    def __init__(self) -> None:
        self._own_fields: list[tuple[bytes, bytes]] = []
        self._own_lines = b""

    def write(
        self,
        transport: asyncio.WriteTransport,
        status: int,
        own: list[tuple[bytes, bytes]],
        fields: bytes,
        body: bytes,
    ) -> None:
        """Send one.

        Args:
            transport: where to.
            status: of the answer.
            own: header fields that every answer of this server has; another list when they change.
            fields: the answer's other fields, as lines.
            body: as Content-Length among the fields says.
        """
        if own is not self._own_fields:  # which happens each second, for the Date in it
            self._own_fields = own
            self._own_lines = b"".join([b"%b: %b\r\n" % field for field in own])
        head = (_STATUS_LINES[status], self._own_lines, fields, b"\r\n")
        if len(body) <= _COPIED_BYTES:
            transport.write(b"".join((*head, body)))
        else:
            transport.writelines((b"".join(head), body))
