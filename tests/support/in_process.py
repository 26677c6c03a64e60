"""Requests straight into an application, without a socket: quick, and under the test's own event loop."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from backports import zstd
from starlette.types import ASGIApp, Message

from app.server.fast_path import MISSED, AnswersAtOnce

_CHANGING = {b"age", b"cache-status", b"x-accel-expires", b"x-request-id"}
_FORM_SECRET = re.compile(rb'(name="form_token" value=")[^"]*')


class Asker(NamedTuple):
    """Somebody who sends requests: what credentials, and from where."""

    name: str
    headers: tuple[tuple[str, str], ...] = ()
    address: str = "192.0.2.7"


class Ask(NamedTuple):
    """A request, without its sender."""

    path: str
    query: str = ""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Answer(NamedTuple):
    """What came back, without what may differ between right answers.

    Attributes:
        headers: without those that tell of an age, or which request it was.
        body: decoded.
        is_whole: False where the connection would have been cut.
        age: value of the Age field.
    """

    status: int
    headers: frozenset[tuple[bytes, bytes]]
    body: bytes
    is_whole: bool
    age: int | None

    def header(self, name: bytes) -> bytes | None:
        """One field's value."""
        return next((value for key, value in self.headers if key == name), None)

    def is_like(self, other: Answer) -> bool:
        """Whether nobody could tell the two apart but by their age."""
        return self._replace(age=None) == other._replace(age=None)


async def send(app: ASGIApp, ask: Ask, asker: Asker) -> Answer:
    """Send a request straight into an application: as the server's protocol does, by the fast path if it has one."""
    sent: list[Message] = []
    fields = (("host", "pierhead.example"), *ask.headers, *asker.headers)
    fast_path: AnswersAtOnce | None = getattr(app, "fast_path", None)
    missed: object = None
    if fast_path is not None and not ask.body:
        missed = fast_path.read(_head(ask, fields), (asker.address, 40000), "http")
        if missed is not None and fast_path.answer(missed, partial(_note_whole, sent)):
            return _answer(sent)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": ask.method,
        "scheme": "http",
        "path": ask.path,
        "raw_path": ask.path.encode("ascii"),
        "query_string": ask.query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in fields],
        "client": (asker.address, 40000),
        "server": ("pierhead.example", 80),
        **({} if missed is None else {MISSED: (fast_path, missed)}),
    }
    incoming = iter([{"type": "http.request", "body": ask.body, "more_body": False}])

    async def receive() -> Message:
        for message in incoming:
            return message
        await asyncio.Event().wait()
        raise AssertionError("the client never goes away")

    async def take(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, take)
    return _answer(sent)


def _head(ask: Ask, fields: Sequence[tuple[str, str]]) -> bytes:
    target = f"{ask.path}?{ask.query}" if ask.query else ask.path
    lines = [f"{ask.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("ascii")


def _note_whole(sent: list[Message], status: int, fields: bytes, body: bytes) -> None:
    headers = [tuple(line.split(b": ", 1)) for line in fields.splitlines()]
    sent += [{"status": status, "headers": headers}, {"body": body}]


def _answer(sent: list[Message]) -> Answer:
    if not sent:
        raise ConnectionResetError("the server went away without an answer")
    start, *rest = sent
    headers = dict(start["headers"])
    body = b"".join(message.get("body", b"") for message in rest)
    if body:
        body = _decoded(body, headers.get(b"content-encoding"))
    is_whole = bool(rest) and not rest[-1].get("more_body", False)
    age = headers.get(b"age")
    kept = frozenset(item for item in start["headers"] if item[0] not in _CHANGING | {b"set-cookie"})
    if _FORM_SECRET.search(body):
        body = _FORM_SECRET.sub(rb"\1", body)
        kept = frozenset(item for item in kept if item[0] != b"content-length")
    return Answer(start["status"], kept, body, is_whole, None if age is None else int(age))


def _decoded(body: bytes, encoding: bytes | None) -> bytes:
    match encoding:
        case b"gzip":
            return gzip.decompress(body)
        case b"br":
            import brotli  # here: some tests run without it

            return bytes(brotli.decompress(body))
        case b"zstd":
            return zstd.decompress(body)
        case _:
            return body
