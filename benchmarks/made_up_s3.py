"""An S3 that makes up what it gives: a large folder, a small one, and an object as long as is wanted.

A real engine takes hours to be filled with as much, and its own work would be measured with that of the server.
This one does next to nothing, each answer after the time that a round trip would take.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from urllib.parse import urlsplit

import uvloop

from benchmarks.tree import COLD_ENTRIES, cold_folder, file_name, folder
from tests.support.fake_s3 import Outpour, Request, content, read_request
from tests.support.key_listing import KeyListing

OBJECT = "big/image.bin"
REQUESTS = "/-/requests"
"""Where it says how many requests have come."""


class MadeUpS3:
    """One bucket, by whatever name it is asked for: so many entries in the large folder, so many bytes in `OBJECT`."""

    def __init__(self, entries: int, object_bytes: int, delay: float) -> None:
        folders = {folder(entries): entries, cold_folder(0): COLD_ENTRIES}
        keys = [f"{name}/{file_name(number)}" for name, files in folders.items() for number in range(files)]
        self._listing = KeyListing(sorted([*keys, OBJECT]), {})
        self._object = Outpour(object_bytes)
        self._delay = delay
        self._requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until its client has gone."""
        with suppress(OSError):
            while request := await read_request(reader, 0):
                await self._answer(request, writer)
        writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == REQUESTS:
            await content(str(self._requests).encode())(request, writer)
            return
        self._requests += 1
        await asyncio.sleep(self._delay)
        is_object = urlsplit(request.target).path.endswith(f"/{OBJECT}")
        await (self._object if is_object else self._listing.answer)(request, writer)


async def serve(s3: MadeUpS3, port: int) -> None:
    """Serve on a port of the loopback, until cancelled."""
    server = await asyncio.start_server(s3.serve, "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _port, _entries, _object_bytes, _delay = sys.argv[1:]
    uvloop.run(serve(MadeUpS3(int(_entries), int(_object_bytes), float(_delay)), int(_port)))
