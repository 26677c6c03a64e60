"""Content codings of pages and lists. Artifacts are never encoded."""

from __future__ import annotations

import gzip
from typing import Final

import brotli
import zstandard

ENCODINGS: Final = ("zstd", "br", "gzip")
"""In order of preference, if the client has none: the cheapest to decode first."""

MIN_COMPRESSED_BYTES: Final = 1024
"""Below this, an answer fits the first packets anyway."""


def compressed(body: bytes, encoding: str) -> bytes:
    """A body in one of `ENCODINGS`."""
    match encoding:
        case "zstd":
            # The copy takes no spare room; the library's buffer has the size of the worst case.
            return bytes(memoryview(zstandard.ZstdCompressor(level=9).compress(body)))
        case "br":
            return bytes(brotli.compress(body, quality=5))
        case _:
            return gzip.compress(body, compresslevel=6, mtime=0)
