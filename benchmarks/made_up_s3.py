"""An S3 that makes up what it gives: a large folder, a small one, and an object as long as is wanted.

A real engine takes hours to be filled with as much, and its own work would be measured with that of the server.
This one does next to nothing, each answer after the time that a round trip would take.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_left, bisect_right
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

import uvloop

from benchmarks.tree import COLD_ENTRIES, cold_folder, file_name, folder

OBJECT = "big/image.bin"
REQUESTS = "/-/requests"
"""Where it says how many requests have come."""

_MOST_KEYS = 1000
_CHUNK = bytes(256 * 1024)
_TAG = "0123456789abcdef0123456789abcdef"
_TIME = "2026-11-26T03:04:05.123Z"


class MadeUpS3:
    """One bucket, by whatever name it is asked for.

    Args:
        entries: files of the large folder, whose name is that of `tree.folder`.
        object_bytes: length of `OBJECT`.
        delay: seconds before each answer.
    """

    def __init__(self, entries: int, object_bytes: int, delay: float) -> None:
        large = [f"{folder(entries)}/{file_name(number)}" for number in range(entries)]
        small = [f"{cold_folder(0)}/{file_name(number)}" for number in range(COLD_ENTRIES)]
        sizes = dict.fromkeys((*large, *small), 0) | {OBJECT: object_bytes}
        self._keys = sorted(sizes)
        self._elements = [_object_element(key, sizes[key]) for key in self._keys]
        self._object_bytes = object_bytes
        self._delay = delay
        self._requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until its client has gone."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b" ", 2)
                await self._answer(method.decode(), target.decode(), writer)
        writer.close()

    async def _answer(self, method: str, target: str, writer: asyncio.StreamWriter) -> None:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == REQUESTS:
            await _send(writer, method, str(self._requests).encode())
            return
        self._requests += 1
        await asyncio.sleep(self._delay)
        key = unquote(path).removeprefix("/").partition("/")[2]
        if not key:
            await _send(writer, method, self._page({name: values[0] for name, values in query.items()}))
        elif key == OBJECT:
            await self._send_object(writer, method)
        else:
            error = b"<Error><Code>NoSuchKey</Code></Error>"
            await _send(writer, method, error, status="404 Not Found")

    def _page(self, query: dict[str, str]) -> bytes:
        """ListObjectsV2."""
        prefix, most = query.get("prefix", ""), min(int(query.get("max-keys", _MOST_KEYS)), _MOST_KEYS)
        after = query.get("continuation-token") or query.get("start-after", "")
        first = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
        end = bisect_left(self._keys, f"{prefix}\U0010ffff")
        if "delimiter" in query:
            elements, last = self._grouped(prefix, first, end, most)
        else:
            last = max(first, min(first + most, end))
            elements = self._elements[first:last]
        is_cut = first < last < end
        token = f"<NextContinuationToken>{self._keys[last - 1]}</NextContinuationToken>" if is_cut else ""
        page = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>bucket</Name><Prefix>{prefix}</Prefix><MaxKeys>{most}</MaxKeys>"
            f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{token}"
            f"{''.join(elements)}</ListBucketResult>"
        )
        return page.encode()

    def _grouped(self, prefix: str, first: int, end: int, most: int) -> tuple[list[str], int]:
        """Up to `most` objects and common prefixes from the key at `first` on, and the place behind what they cover.

        The store reads from these how each folder is spelled.
        """
        elements: list[str] = []
        place = first
        while place < end and len(elements) < most:
            slash = self._keys[place].find("/", len(prefix))
            if slash < 0:
                elements.append(self._elements[place])
                place += 1
            else:
                common = self._keys[place][: slash + 1]
                elements.append(f"<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>")
                place = bisect_left(self._keys, f"{common}\U0010ffff")
        return elements, place

    async def _send_object(self, writer: asyncio.StreamWriter, method: str) -> None:
        writer.write(_head("200 OK", self._object_bytes, "application/octet-stream"))
        left = 0 if method == "HEAD" else self._object_bytes
        while left:
            writer.write(_CHUNK[:left])
            left -= min(left, len(_CHUNK))
            await writer.drain()


async def _send(writer: asyncio.StreamWriter, method: str, body: bytes, *, status: str = "200 OK") -> None:
    writer.write(_head(status, len(body), "application/xml") + (b"" if method == "HEAD" else body))
    await writer.drain()


def _head(status: str, length: int, content_type: str) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Length: {length}",
        f"Content-Type: {content_type}",
        f'ETag: "{_TAG}"',
        "Last-Modified: Thu, 26 Nov 2026 03:04:05 GMT",
        "\r\n",
    )
    return "\r\n".join(lines).encode()


def _object_element(key: str, size: int) -> str:
    """As Ceph writes it."""
    return (
        f"<Contents><Key>{key}</Key><LastModified>{_TIME}</LastModified><ETag>&quot;{_TAG}&quot;</ETag>"
        f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass>"
        "<Owner><ID>benchmark</ID><DisplayName>benchmark</DisplayName></Owner><Type>Normal</Type></Contents>"
    )


async def serve(s3: MadeUpS3, port: int) -> None:
    """Serve on a port of the loopback, until cancelled."""
    server = await asyncio.start_server(s3.serve, "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _port, _entries, _object_bytes, _delay = sys.argv[1:]
    uvloop.run(serve(MadeUpS3(int(_entries), int(_object_bytes), float(_delay)), int(_port)))
