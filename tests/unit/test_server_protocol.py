"""When the protocol offers what has arrived to the application's short way, and when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.server.patience import USUAL_PATIENCE
from app.server.protocol import BoundedHttpProtocol
from app.server.refusals import MAX_TARGET_BYTES
from tests.support.virtual_time import in_virtual_time

HEAD = b"GET /a/ HTTP/1.1\r\nHost: test\r\n\r\n"
POST = b"POST /b/ HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"POST /b/ HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"


class WrittenTo(asyncio.Transport):
    """A connection whose other side never reads unless it is said to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 40000) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Application:
    """Answers at once whatever it is offered, and notes what came either way."""

    def __init__(self) -> None:
        self.fast_path = self
        self.offered: list[bytes] = []
        self.by_asgi: list[str] = []
        self.may_finish = asyncio.Event()
        self.body = b""

    def read(self, head: bytes, client: tuple[str, int] | None, scheme: str) -> bytes | None:
        """As `FastPath.read`: anything but whole heads is for ASGI."""
        assert client == ("127.0.0.1", 40000)
        self.offered.append(head)
        return head

    def answer(self, request: bytes, write: Callable[[int, bytes, bytes], None]) -> bool:
        """As `FastPath.answer`."""
        write(200, b"content-length: 2\r\n", b"ok")
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.by_asgi.append(scope["path"])
        if scope["method"] == "POST":
            message = await receive()
            while message["type"] == "http.request" and message["more_body"]:
                self.body += message["body"]
                message = await receive()
            self.body += message.get("body", b"")
        await self.may_finish.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Connection:
    def __init__(self) -> None:
        self.app = Application()
        self.transport = WrittenTo()
        config = Config(self.app, ws="none", lifespan="off", log_config=None, proxy_headers=False)
        self.protocol = BoundedHttpProtocol(config=config, server_state=ServerState(), app_state={})
        self.protocol.connection_made(self.transport)

    def receive(self, data: bytes) -> None:
        self.protocol.data_received(data)


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    made = Connection()
    yield made
    made.protocol.resume_writing()
    made.app.may_finish.set()
    await asyncio.gather(*made.protocol.tasks)
    made.protocol.connection_lost(None)


async def test_what_arrives_on_an_idle_connection_is_offered(connection: Connection) -> None:
    connection.receive(HEAD)
    connection.receive(HEAD)
    assert connection.app.offered == [HEAD, HEAD]
    assert connection.transport.written == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" * 2


async def test_nothing_is_offered_while_the_client_does_not_read(connection: Connection) -> None:
    connection.protocol.pause_writing()
    connection.receive(HEAD)
    await asyncio.sleep(0)
    assert connection.app.offered == []
    assert connection.app.by_asgi == ["/a/"]


async def test_nothing_is_offered_while_an_earlier_request_is_being_answered(connection: Connection) -> None:
    connection.protocol.pause_writing()
    connection.receive(HEAD)
    connection.protocol.resume_writing()
    connection.receive(HEAD)
    assert connection.app.offered == []
    connection.app.may_finish.set()
    await asyncio.gather(*connection.protocol.tasks)
    await asyncio.gather(*connection.protocol.tasks)
    assert connection.app.by_asgi == ["/a/", "/a/"]
    connection.receive(HEAD)
    assert connection.app.offered == [HEAD]


async def test_the_rest_of_a_head_is_not_offered(connection: Connection) -> None:
    connection.protocol.pause_writing()  # the first piece is then parsed
    connection.receive(b"GET /b/ HTTP/1.1\r\nHost: test\r\nX: ")
    connection.protocol.resume_writing()
    connection.receive(HEAD)
    await asyncio.sleep(0)
    assert connection.app.offered == []
    assert connection.app.by_asgi == ["/b/"]


async def test_nothing_is_offered_on_a_connection_that_is_closing(connection: Connection) -> None:
    connection.transport.close()
    connection.receive(HEAD)
    assert connection.app.offered == []


async def test_a_refused_client_is_offered_nothing(connection: Connection) -> None:
    connection.protocol.pause_writing()
    connection.receive(b"nonsense\r\n\r\n")
    connection.protocol.resume_writing()
    connection.receive(HEAD)
    assert connection.app.offered == []


@in_virtual_time
async def test_a_body_that_comes_in_pieces_ends_where_it_ends() -> None:
    connection = Connection()
    connection.app.may_finish.set()
    connection.protocol.pause_writing()
    connection.receive(POST + b"bo")
    connection.protocol.resume_writing()
    connection.receive(b"dy")
    async with asyncio.timeout(1):
        await asyncio.gather(*connection.protocol.tasks)
    assert connection.app.body == b"body"
    assert connection.transport.written.startswith(b"HTTP/1.1 204 ")
    connection.receive(HEAD)
    assert connection.app.offered == [HEAD]
    connection.protocol.connection_lost(None)


def by_asgi(connection: Connection, data: bytes) -> None:
    """Receive something that nothing in memory answers."""
    connection.protocol.pause_writing()
    connection.receive(data)
    connection.protocol.resume_writing()


@pytest.mark.parametrize(("more", "refused"), [(0, b""), (1, b"HTTP/1.1 414 ")])
async def test_a_target_is_as_long_as_it_may_be(connection: Connection, more: int, refused: bytes) -> None:
    by_asgi(connection, b"GET /" + b"a" * (MAX_TARGET_BYTES - 1 + more) + b" HTTP/1.1\r\nHost: test\r\n\r\n")
    assert connection.transport.written[:13] == refused


@in_virtual_time
async def test_only_who_has_begun_is_told_that_the_time_is_over() -> None:
    silent, slow = Connection(), Connection()
    by_asgi(slow, HEAD[:-1])
    await asyncio.sleep(USUAL_PATIENCE.head + 1)
    assert (silent.transport.is_closed, bytes(silent.transport.written)) == (True, b"")
    assert slow.transport.written.startswith(b"HTTP/1.1 408 ")
    for connection in (silent, slow):
        connection.protocol.connection_lost(None)


@in_virtual_time
@pytest.mark.parametrize("first", [HEAD, POST + b"bo"])
async def test_no_time_passes_for_what_cannot_be_read_yet(first: bytes) -> None:
    """A head behind a request that is being answered, or a body whose answer has begun."""
    connection = Connection()
    by_asgi(connection, first + (HEAD[:-1] if first == HEAD else b""))
    if first != HEAD:
        connection.protocol.cycle.response_started = True
    await asyncio.sleep(3 * max(USUAL_PATIENCE.head, USUAL_PATIENCE.body))
    assert not connection.transport.written
    assert not connection.transport.is_closed
    connection.app.may_finish.set()
    connection.protocol.connection_lost(None)
    await asyncio.gather(*connection.protocol.tasks)


@in_virtual_time
async def test_who_reads_a_body_that_is_broken_is_woken() -> None:
    connection = Connection()
    connection.app.may_finish.set()
    by_asgi(connection, CHUNKED)
    await asyncio.sleep(0)
    by_asgi(connection, b"no size\r\n")
    assert connection.transport.written.startswith(b"HTTP/1.1 400 ")
    async with asyncio.timeout(1):
        await asyncio.gather(*connection.protocol.tasks)
    connection.protocol.connection_lost(None)


@in_virtual_time
async def test_whole_requests_before_a_broken_one_are_answered_and_it_is_not() -> None:
    connection = Connection()
    by_asgi(connection, HEAD * 2 + CHUNKED + b"no size\r\n")
    assert not connection.transport.written
    connection.app.may_finish.set()
    async with asyncio.timeout(1):
        while not connection.transport.is_closed:
            await asyncio.sleep(0.01)
    assert connection.app.by_asgi == ["/a/", "/a/"]
    assert connection.transport.written.count(b"HTTP/1.1 204 ") == 2
    assert connection.transport.written.count(b"HTTP/1.1 ") == 2
    connection.protocol.connection_lost(None)
