"""Downloads the bytes of one object, and resumes when a connection breaks.

S3 may stop in the middle of a body: a gateway restarts, a load balancer times out. The rest is then
requested from the byte reached (RFC 9110 section 14.2), and only of the same object (`If-Match`, section
13.1.1). The client only notices a pause.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import structlog

from app.domain.entries import FileInfo
from app.domain.errors import NotFound, ObjectChanged, StoreUnavailable
from app.storage.s3.entries import opaque
from app.storage.s3.errors import FOREIGN_ERRORS, translate
from app.storage.s3.file_info import modified_of

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectOutputTypeDef, GetObjectRequestTypeDef

CHUNK_BYTES: Final = 256 * 1024

PROGRESS_BYTES: Final = 64 * 1024
"""Bytes that a connection must deliver to count as progress. Without a minimum, a store that sends one byte and
breaks off could be asked as often as a file has bytes."""

RESUME_PAUSES: Final = (0.0, 0.5, 2.0, 5.0)
"""Seconds before each attempt to resume, as long as none makes progress: together longer than a circuit breaker
stays open. After the last one, the download has failed."""

AskForBytes = Callable[[int, int], Awaitable["StreamingBody"]]
"""Called with the offset of the first byte and the number of bytes; raises as `ObjectStore.open_range`."""

_log = structlog.get_logger(__name__)


class Download:
    """A span of an object that outlives its connections.

    A connection that breaks, ends early or times out is replaced by another
    one, which begins at the byte reached.

    Args:
        ask: makes a call for the bytes from an offset on.
        first: offset of the first byte.
        length: number of bytes, at least 1.
        pauses: as `RESUME_PAUSES`; empty for a span that is never resumed.
    """

    def __init__(
        self, ask: AskForBytes, first: int, length: int, *, pauses: Sequence[float] = RESUME_PAUSES
    ) -> None:
        self._ask = ask
        self._next = first
        self._left = length
        self._pauses = pauses
        self._body: StreamingBody | None = None

    async def open(self) -> Download:
        """Make the first call.

        Raises:
            As `ask`.
        """
        self._body = await self._ask(self._next, self._left)
        return self

    def close(self) -> None:
        """Release the connection. A body that was read to its end has released it already."""
        if self._body is not None:
            self._body.close()
            self._body = None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All bytes.

        Raises:
            StoreUnavailable: with the reason of the last attempt.
            ObjectChanged: the object is gone, or was replaced.
            StoreDenied: the credentials no longer suffice.
        """
        fruitless, began_at = 0, self._next
        while self._left:
            try:
                chunk = await self._read()
            except StoreUnavailable as error:
                self.close()
                if self._next - began_at >= PROGRESS_BYTES:
                    fruitless, began_at = 0, self._next
                if fruitless == len(self._pauses):
                    raise
                _log.warning("download_resumed", reason=error.reason, offset=self._next, left=self._left)
                await _pause(self._pauses[fruitless])
                fruitless += 1
            else:
                self._next += len(chunk)
                self._left -= len(chunk)
                yield chunk

    async def _read(self) -> bytes:
        if self._body is None:
            try:
                await self.open()
            except NotFound as error:
                raise ObjectChanged from error  # it was there when the first byte was sent
        assert self._body is not None
        return await _next_bytes(self._body, self._left)


async def _pause(seconds: float) -> None:
    """A pause with jitter: whatever broke one download has probably broken others."""
    await asyncio.sleep(seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, and hides nothing


async def get_span(
    client: S3Client, bucket: str, key: str, info: FileInfo, first: int, length: int
) -> StreamingBody:
    """Make one GetObject for a span, and check that the answer matches.

    Args:
        info: of the expected object.
        first: offset of the first byte.
        length: number of bytes.

    Raises:
        ObjectChanged: the answer has another object. (S3 itself answers 412 or 416, which are translated
            elsewhere; this is for engines that ignore `If-Match`.)
        StoreUnavailable: `unexpected`, if it has other bytes than requested.
    """
    request: GetObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
    if info.e_tag is not None:
        request["IfMatch"] = f'"{info.e_tag}"'
    if length < info.size:
        request["Range"] = f"bytes={first}-{first + length - 1}"
    answer = await client.get_object(**request)
    try:
        _check_answer(answer, info, first, length)
    except BaseException:
        answer["Body"].close()
        raise
    return answer["Body"]


def _check_answer(answer: GetObjectOutputTypeDef, info: FileInfo, first: int, length: int) -> None:
    """A 200 to a Range has the file from its first byte (RFC 9110 section 14.2), not from the byte reached.

    Unless it has a Content-Range: some engines send a part with the status of the whole.
    """
    if info.e_tag is None:
        is_the_same = modified_of(answer) == info.modified
    else:
        is_the_same = opaque(answer.get("ETag")) == info.e_tag
    if not is_the_same:
        raise ObjectChanged
    if length < info.size:
        is_right = answer.get("ContentRange") == f"bytes {first}-{first + length - 1}/{info.size}"
    else:
        is_right = answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    if answer["ContentLength"] != length or not is_right:
        raise StoreUnavailable("unexpected")


async def read_exactly(body: StreamingBody, length: int) -> bytes:
    """The next `length` bytes of a body, all at once.

    Raises:
        StoreUnavailable: `timeout`, or `broken-stream` where the body ends early.
    """
    chunks = []
    while length:
        chunks.append(await _next_bytes(body, length))
        length -= len(chunks[-1])
    return b"".join(chunks)


async def _next_bytes(body: StreamingBody, most: int) -> bytes:
    """The next bytes of a body, at least one."""
    try:
        chunk = await body.read(min(CHUNK_BYTES, most))
    except FOREIGN_ERRORS as error:
        is_timeout = isinstance(error, TimeoutError)
        raise translate(error) if is_timeout else StoreUnavailable("broken-stream") from error
    if not chunk:
        raise StoreUnavailable("broken-stream")
    return chunk
