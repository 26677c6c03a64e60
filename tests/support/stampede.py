"""Many clients that ask at the same time, each over a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.support.raw_http import RawAnswer, parse_answer

_AT_ONCE = 100
"""Connections that are made at a time, fewer than a listening socket lets wait."""


def stampede(port: int, requests: Sequence[bytes], *, seconds: float = 60) -> list[RawAnswer]:
    """Make all the connections, then send one request over each, and read the answers to their ends.

    Args:
        requests: each asks for the connection to be closed after it.

    Raises:
        TimeoutError: some answer did not come.
    """

    async def all_of_them() -> list[RawAnswer]:
        async with asyncio.timeout(seconds):
            connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
            for start in range(0, len(requests), _AT_ONCE):
                some = requests[start : start + _AT_ONCE]
                connections += await asyncio.gather(
                    *(asyncio.open_connection("127.0.0.1", port) for _ in some)
                )
            for (_, writer), data in zip(connections, requests, strict=True):
                writer.write(data)
            received = await asyncio.gather(*(reader.read() for reader, _ in connections))
            for _, writer in connections:
                writer.close()
        return [parse_answer(answer) for answer in received]

    return asyncio.run(all_of_them())
