"""Content codings of pages and lists. Artifacts are never encoded: they are published as they are."""

from __future__ import annotations

import gzip
from typing import Final

import brotli
import zstandard

ENCODINGS: Final = ("zstd", "br", "gzip")
"""In the order in which they are preferred, where the client likes several as much: the cheapest to undo first."""

MIN_COMPRESSED_BYTES: Final = 1024
"""Below this, an answer fits the first packets anyway."""


def compressed(body: bytes, encoding: str) -> bytes:
    """A body in one of `ENCODINGS`. The same bytes each time, for each is compressed once and kept."""
    match encoding:
        case "zstd":
            # The copy has the room it needs; what the library gives keeps all that the input might have taken.
            return bytes(memoryview(zstandard.ZstdCompressor(level=9).compress(body)))
        case "br":
            return bytes(brotli.compress(body, quality=5))
        case _:
            return gzip.compress(body, compresslevel=6, mtime=0)
