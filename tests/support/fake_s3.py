"""An HTTP server on loopback that answers as a test tells it to, including in ways no S3 engine does on request."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape


class Request(NamedTuple):
    """One request as it arrived.

    Attributes:
        connection: the number of the connection it came over, from 0.
        headers: names in lower case.
    """

    connection: int
    method: str
    target: str
    headers: dict[str, str]


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class FakeS3:
    """See `run_fake_s3`.

    Attributes:
        answer: how requests are answered from now on.
        requests: all that arrived, in order.
        closed: the numbers of connections whose client has gone.
        folders: prefixes whose entry it shows to those who list that alone, whatever `answer` is. Such requests
            are not among the others.
    """

    def __init__(self) -> None:
        self.answer: Answer = status(500)
        self.folders: set[str] = set()
        self.requests: list[Request] = []
        self.closed: set[int] = set()
        self.url = ""
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def has_closed(self, connection: int) -> None:
        """Wait until the client of a connection has gone."""
        while connection not in self.closed:
            await asyncio.sleep(0.005)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until its client has gone."""
        number, self._connections = self._connections, self._connections + 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while request := await read_request(reader, number):
                answering = asyncio.ensure_future(self._choose(request)(request, writer))
                await self._unless_client_goes(answering, reader)
        except ConnectionError:
            pass
        finally:
            self.closed.add(number)
            self._tasks.discard(task)
            writer.close()

    def _choose(self, request: Request) -> Answer:
        query = parse_qs(urlsplit(request.target).query)
        if (folder := query.get("prefix", [""])[0] + "/") in self.folders and "max-keys" in query:
            return xml(listing_of_folder(folder))
        self.requests.append(request)
        return self.answer

    async def stop(self) -> None:
        """Give up on the connections that are still open."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _unless_client_goes(
        self, answering: asyncio.Future[None], reader: asyncio.StreamReader
    ) -> None:
        async def gone() -> None:
            while not reader.at_eof() and reader.exception() is None:
                await asyncio.sleep(0.005)

        watching = asyncio.ensure_future(gone())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, watching):
                task.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)


@asynccontextmanager
async def run_fake_s3() -> AsyncIterator[FakeS3]:
    """Run the server in this event loop."""
    fake = FakeS3()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    fake.url = f"http://{host}:{port}"
    try:
        yield fake
    finally:
        server.close()
        await fake.stop()
        await server.wait_closed()


def status(code: int, error: str = "", message: str = "told to") -> Answer:
    """An error as S3 sends it; without a body in answer to a HEAD."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        text = f"<?xml version='1.0'?><Error><Code>{error}</Code><Message>{message}</Message></Error>"
        body = b"" if request.method == "HEAD" or not error else text.encode()
        head = (
            f"HTTP/1.1 {code} Told To\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


def content(body: bytes, *, claims: int | None = None, e_tag: str = "tag", code: int = 200) -> Answer:
    """An object. Where it `claims` to be longer than the body, the connection is closed after that."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        length = len(body) if claims is None else claims
        head = (
            f'HTTP/1.1 {code} OK\r\nContent-Length: {length}\r\nETag: "{e_tag}"\r\n'
            "Content-Type: application/zip\r\nLast-Modified: Wed, 12 Oct 2022 17:50:00 GMT\r\n\r\n"
        )
        writer.write(head.encode() + (b"" if request.method == "HEAD" else body))
        await writer.drain()
        if length > len(body):
            writer.close()

    return answer


def stored(
    body: bytes,
    *,
    e_tag: str | None = "tag",
    modified: str | None = "Wed, 12 Oct 2022 17:50:00 GMT",
    sends: int | None = None,
    then: Answer | None = None,
) -> Answer:
    """An object as S3 gives it, with Range (one span) and If-Match.

    Args:
        e_tag: without quotes; None for an engine that has none. One that begins with `W/` is weak, and matches nothing.
        modified: as in the field `Last-Modified`; None for an engine that has none.
        sends: how many bytes of an answer go out; None for all of them.
        then: what happens after that, such as `reset` or `hang`; None closes the connection.
    """

    tag = tag_of(e_tag)
    tag_line = "" if e_tag is None else f"ETag: {tag}\r\n"
    time_line = "" if modified is None else f"Last-Modified: {modified}\r\n"

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.headers.get("if-match", tag) != tag or (
            tag.startswith("W/") and "if-match" in request.headers
        ):
            await status(412, "PreconditionFailed")(request, writer)
            return
        first, last, line, code = 0, len(body) - 1, "", 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "")):
            first, last = int(asked[1]), min(int(asked[2] or last), last)
            if first > last:
                await status(416, "InvalidRange")(request, writer)
                return
            line, code = f"Content-Range: bytes {first}-{last}/{len(body)}\r\n", 206
        head = (
            f"HTTP/1.1 {code} OK\r\nContent-Length: {last - first + 1}\r\n{line}{tag_line}{time_line}"
            "Content-Type: application/zip\r\n\r\n"
        )
        span = b"" if request.method == "HEAD" else body[first : last + 1]
        writer.write(head.encode() + span[:sends])
        await writer.drain()
        if sends is None or sends >= len(span):
            return
        if then is None:
            writer.close()
        else:
            await _taken(writer)
            await then(request, writer)

    return answer


def tag_of(e_tag: str | None) -> str:
    """An entity tag as an answer has it."""
    text = e_tag or ""
    return f'W/"{text[2:]}"' if text.startswith("W/") else f'"{text}"'


async def _taken(writer: asyncio.StreamWriter) -> None:
    """Wait until nothing is left in this process. A reset may still discard what the client has not read."""
    while writer.transport.get_write_buffer_size():
        await asyncio.sleep(0.005)


def endless(first: bytes) -> Answer:
    """An object that claims to be huge; its rest never comes."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        head = f'HTTP/1.1 200 OK\r\nContent-Length: {10**9}\r\nETag: "tag"\r\n\r\n'
        writer.write(head.encode() + first)
        await writer.drain()
        await asyncio.Event().wait()

    return answer


class Outpour:
    """An object of `size` zeros, sent as fast as the client takes it.

    Attributes:
        sent: bytes that have been handed to the system, of all answers together.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.sent = 0

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        head = (
            f'HTTP/1.1 200 OK\r\nContent-Length: {self._size}\r\nETag: "tag"\r\n'
            "Last-Modified: Wed, 12 Oct 2022 17:50:00 GMT\r\n\r\n"
        )
        writer.write(head.encode())
        if request.method == "HEAD":
            return
        zeros = bytes(64 * 1024)
        for start in range(0, self._size, len(zeros)):
            chunk = zeros[: self._size - start]
            writer.write(chunk)
            await writer.drain()
            self.sent += len(chunk)


def xml(body: str) -> Answer:
    """A document, whatever it says."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        raw = body.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(raw)}\r\n\r\n"
        writer.write(head.encode() + raw)
        await writer.drain()

    return answer


def listing_of_folder(folder: str) -> str:
    """The listing of a folder's own entry."""
    return (
        "<ListBucketResult><Name>artifacts</Name><IsTruncated>false</IsTruncated>"
        f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes></ListBucketResult>"
    )


def verbatim(head: str, body: bytes = b"") -> Answer:
    """An answer with these lines as its head; `Content-Length` is added, and a HEAD gets no body.

    Args:
        head: status line and fields, a line each; blanks around a line do not count.
    """
    lines = [line.strip() for line in head.strip().splitlines()]

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        said = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        writer.write(said.encode() + (b"" if request.method == "HEAD" else body))
        await writer.drain()

    return answer


async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
    """Break the connection instead of answering (RST, by a linger time of zero)."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one stays."""
    left = list(answers)

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        await now(request, writer)

    return answer


async def read_request(reader: asyncio.StreamReader, connection: int) -> Request | None:
    """The next request of a connection; None when its client has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Request(connection, method, target, headers)
