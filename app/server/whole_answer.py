"""Answers that are in memory as a whole, as they go to the network."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final, NamedTuple

_COPIED_BYTES: Final = 64 * 1024
"""Bodies up to this size are copied behind their head: cheaper than handing over two pieces."""
MOST_HELD_BYTES: Final = 2 * 1024 * 1024
"""Of answers that are held as they go out. No cache counts them."""

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class _Held(NamedTuple):
    status: int
    fields: bytes
    body: bytes
    whole: bytes


class WholeAnswers:
    """Writes answers, framed as uvicorn frames its own. For one event loop.

    An answer that is sent again and again is put together once, and held until the fields that all answers have change:
    for a second at most.
    """

    def __init__(self) -> None:
        self._own_fields: list[tuple[bytes, bytes]] = []
        self._own_lines = b""
        # By identity of the fields, which are kept too, so that no others get their number.
        self._held: dict[int, _Held] = {}
        self._held_bytes = 0

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
            self._begin(own)
        held = self._held.get(id(fields))
        if held is not None:
            known_status, _, known_body, whole = held
            if known_body is body and known_status == status:
                transport.write(whole)
                return
        head = (_STATUS_LINES[status], self._own_lines, fields, b"\r\n")
        if len(body) > _COPIED_BYTES:
            transport.writelines((b"".join(head), body))
            return
        whole = b"".join((*head, body))
        if held is None and self._held_bytes + len(whole) <= MOST_HELD_BYTES:
            self._held[id(fields)] = _Held(status, fields, body, whole)
            self._held_bytes += len(whole)
        transport.write(whole)

    def _begin(self, own: list[tuple[bytes, bytes]]) -> None:
        self._own_fields = own
        self._own_lines = b"".join([b"%b: %b\r\n" % field for field in own])
        self._held.clear()
        self._held_bytes = 0
