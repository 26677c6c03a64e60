"""Undoes the compression of error answers, which some engines and proxies apply unasked.

aiohttp does that for listings. The S3 client must not do it for objects, whose encoding is that of the publisher, and so does it
for nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

MAX_ERROR_BYTES: Final = 64 * 1024
"""Most bytes of an error answer; those of S3 have some hundred."""
_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS


def inflate_errors(client: S3Client) -> None:
    """Have a client understand error answers that are compressed."""
    client.meta.events.register("before-parse.s3", _inflate_error)


def _inflate_error(response_dict: MutableMapping[str, Any], **_: object) -> None:
    is_error = response_dict["status_code"] >= 300
    if is_error and response_dict["headers"].get("content-encoding", "").strip().lower() == "gzip":
        response_dict["body"] = inflated(response_dict["body"])


def inflated(body: bytes) -> bytes:
    """The text of a body that is said to be compressed, as far as it goes; the body itself if it is not."""
    try:
        return zlib.decompressobj(_GZIP_HEADER).decompress(body, MAX_ERROR_BYTES)
    except zlib.error:
        return body
