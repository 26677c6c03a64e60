"""An HTTP server in a thread that sends exactly the bytes that a test tells it to, and closes after each answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple


class Asked(NamedTuple):
    """One request: method, request target, and header fields with their names in lower case."""

    method: str
    target: str
    headers: dict[str, str]


Script = Callable[[Asked], bytes]


class RoughServer(NamedTuple):
    """Where it answers, without a slash at the end, and what it was asked."""

    url: str
    asked: list[Asked]

    def got(self, target: str) -> list[Asked]:
        """The GETs of one target."""
        return [asked for asked in self.asked if asked.method == "GET" and asked.target == target]


@contextmanager
def rough_server(script: Script, address: str = "127.0.0.1") -> Iterator[RoughServer]:
    """Answer every request by the script until the block ends; a HEAD without the body."""
    listening = socket.create_server((address, 0))
    server = RoughServer(f"http://{address}:{listening.getsockname()[1]}", [])

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                _answer(connection, server.asked, script)

    thread = threading.Thread(target=serve, name="rough-server")
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(30)


def reply(status: int, body: bytes = b"", **fields: str) -> bytes:
    """An answer as it should be. A field's name has `_` for `-`."""
    sent = {"Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in fields.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{head}Connection: close\r\n\r\n".encode("latin-1") + body


def listing(*lines: dict[str, object], **fields: str) -> bytes:
    """A listing as ndjson."""
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return reply(200, body, Content_Type="application/x-ndjson", **fields)


def scripted(answers: Mapping[str, Sequence[bytes]]) -> Script:
    """For each `GET target` one answer after the other, the last again and again; 404 for everything else.

    A HEAD is answered as the next GET will be.
    """
    left = {asked: list(given) for asked, given in answers.items()}

    def script(asked: Asked) -> bytes:
        queue = left.get(f"GET {asked.target}", [reply(404)])
        if asked.method == "HEAD":
            return queue[0]
        return queue.pop(0) if len(queue) > 1 else queue[0]

    return script


def _answer(connection: socket.socket, record: list[Asked], script: Script) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return
        received += chunk
    first, *lines = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    fields = (line.partition(":") for line in lines)
    asked = Asked(method, target, {name.lower(): value.strip() for name, _, value in fields})
    record.append(asked)
    try:
        head, end, body = script(asked).partition(b"\r\n\r\n")
        connection.sendall(head + end + (b"" if method == "HEAD" else body))
    except OSError:
        return
