"""Content codings of pages and lists. Artifacts are never encoded."""

from __future__ import annotations

import gzip
from typing import Final

from backports import zstd

from app.domain.extras import is_installed

if is_installed("brotli"):
    import brotli

ENCODINGS: Final = ("zstd", "br", "gzip") if is_installed("brotli") else ("zstd", "gzip")
"""In order of preference, if the client has none: the cheapest to decode first."""

MIN_COMPRESSED_BYTES: Final = 1024
"""Below this, an answer fits the first packets anyway."""


def compressed(body: bytes, encoding: str) -> bytes:
    """A body in one of `ENCODINGS`."""
    match encoding:
        case "zstd":
            return zstd.compress(body, level=9)
        case "br":
            return bytes(brotli.compress(body, quality=5))
        case _:
            return gzip.compress(body, compresslevel=6, mtime=0)
