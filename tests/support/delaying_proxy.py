"""Stands before an S3 engine and makes it slow, or absent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

_CHUNK = 256 * 1024
_METHODS = (b"GET ", b"HEAD ", b"PUT ", b"POST ", b"DELETE ")
_SECONDS = 60

_Result = TypeVar("_Result")


class DelayingProxy:
    """A TCP proxy in a thread of its own. Everything the engine says arrives later by `delay`.

    So each exchange on a connection takes longer by that, however many bytes it has, and what a connection
    carries in a second stays as it was. Opening a connection is not delayed.

    Args:
        upstream: URL of the engine.

    Attributes:
        delay: seconds; may be changed at any time.
        requests: how many HTTP requests have come from clients.
        url: where it answers; the same for as long as it lives.
    """

    def __init__(self, upstream: str) -> None:
        self.delay = 0.0
        self.requests = 0
        self._upstream = urlsplit(upstream).netloc.rpartition(":")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="delaying-proxy")
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> DelayingProxy:
        self._thread.start()
        self.resume()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def refuse(self) -> None:
        """Cut every connection, and take no new one: the engine is gone."""
        self._do(self._close())

    def resume(self) -> None:
        """Be there again, on the same port."""
        self._do(self._listen())

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._connections):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections.add(writer)
        host, _, port = self._upstream
        with suppress(OSError):
            engine_reader, engine_writer = await asyncio.open_connection(host, int(port))
            self._connections.add(engine_writer)
            directions = [
                asyncio.create_task(self._pass_on(reader, engine_writer)),
                asyncio.create_task(self._pass_back(engine_reader, writer)),
            ]
            # Neither side of HTTP closes half a connection: the end of one direction is the end of both.
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            engine_writer.transport.abort()
            self._connections.discard(engine_writer)
        writer.close()
        self._connections.discard(writer)
        self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, engine: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            self.requests += chunk.startswith(_METHODS)
            engine.write(chunk)
            await engine.drain()

    async def _pass_back(self, engine: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read at once and write when it is time, so that a delay does not add up over the chunks."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def read() -> None:
            while chunk := await engine.read(_CHUNK):
                waiting.put_nowait((loop.time() + self.delay, chunk))
            waiting.put_nowait((loop.time() + self.delay, b""))

        reading = asyncio.create_task(read())
        try:
            while True:
                due, chunk = await waiting.get()
                await asyncio.sleep(due - loop.time())
                if not chunk:
                    return
                writer.write(chunk)
                await writer.drain()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
