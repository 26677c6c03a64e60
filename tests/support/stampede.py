"""Many clients that ask for one thing at the same time, each over a connection of its own."""

from __future__ import annotations

import asyncio

from tests.support.raw_http import RawAnswer, parse_answer

_AT_ONCE = 100
"""Connections that are made at a time, fewer than a listening socket lets wait."""


def stampede(port: int, data: bytes, clients: int, *, seconds: float = 60) -> list[RawAnswer]:
    """Connect all, then send the same bytes over every connection, and read the answers to their ends.

    Args:
        data: one request that asks for the connection to be closed after it.

    Raises:
        TimeoutError: some answer did not come.
    """

    async def all_of_them() -> list[RawAnswer]:
        async with asyncio.timeout(seconds):
            connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
            for start in range(0, clients, _AT_ONCE):
                some = range(start, min(start + _AT_ONCE, clients))
                connecting = (asyncio.open_connection("127.0.0.1", port) for _ in some)
                connections += await asyncio.gather(*connecting)
            for _, writer in connections:
                writer.write(data)
            received = await asyncio.gather(*(reader.read() for reader, _ in connections))
            for _, writer in connections:
                writer.close()
        return [parse_answer(answer) for answer in received]

    return asyncio.run(all_of_them())
