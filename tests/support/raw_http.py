"""HTTP as bytes on a socket, for requests that no client library would send."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import NamedTuple

from tests.support.waiting import PATIENCE

CLOSE = b"Host: test\r\nConnection: close\r\n"


class RawAnswer(NamedTuple):
    """One answer, taken apart.

    Attributes:
        headers: names in lower case; of repeated ones, the last.
        body: what followed the head, as it was framed.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_client_error(self) -> bool:
        return 400 <= self.status < 500


def request(
    method: bytes = b"GET",
    target: bytes = b"/",
    *lines: bytes,
    version: bytes = b"HTTP/1.1",
    body: bytes = b"",
) -> bytes:
    """The bytes of one request that asks for the connection to be closed after it."""
    head = b"".join(line + b"\r\n" for line in lines)
    return method + b" " + target + b" " + version + b"\r\n" + CLOSE + head + b"\r\n" + body


def ask(port: int, data: bytes | Iterable[bytes]) -> RawAnswer:
    """Send bytes over a connection of their own and read the answer to its end.

    Raises:
        AssertionError: what came back is no HTTP answer.
    """
    received = exchange(port, data)
    assert received, "the server closed the connection without an answer"
    return parse_answer(received)


def exchange(port: int, data: bytes | Iterable[bytes], *, half_close: bool = False) -> bytes:
    """Send bytes, as far as the server takes them, and return all that comes back until it closes.

    Args:
        half_close: say that nothing more will be sent before the first byte is read.
    """
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        try:
            for piece in [data] if isinstance(data, bytes) else data:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered already, and takes no more
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection)


def read_answer(connection: socket.socket, *, has_body: bool = True) -> bytes:
    """The next answer of a connection that goes on, by its `Content-Length`, and not a byte more.

    Args:
        has_body: False for the answer to a HEAD.

    Raises:
        AssertionError: the other side closed before its end.
    """
    received = bytearray()
    while b"\r\n\r\n" not in received:
        received += _some(connection, 1)
    answer = parse_answer(bytes(received))
    has_body = has_body and answer.status != 304  # RFC 9112 section 6.3
    end = len(received) + (int(answer.headers.get("content-length", "0")) if has_body else 0)
    while len(received) < end:
        received += _some(connection, end - len(received))
    return bytes(received)


def _some(connection: socket.socket, most: int) -> bytes:
    chunk = connection.recv(most)
    assert chunk, "the server closed the connection within an answer"
    return chunk


def read_to_end(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = bytearray()
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return bytes(received)


def parse_answer(received: bytes) -> RawAnswer:
    """Take the first answer of a stream apart.

    Raises:
        AssertionError: it is no HTTP answer.
    """
    head, blank, body = received.partition(b"\r\n\r\n")
    assert blank, f"an answer without an end to its head: {head[:200]!r}"
    status_line, *lines = head.decode("latin-1").split("\r\n")
    version, code, _ = status_line.split(" ", 2)
    assert version == "HTTP/1.1", status_line
    headers = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        assert colon, line
        headers[name.lower()] = value
    return RawAnswer(int(code), headers, body)
