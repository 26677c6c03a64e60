"""A rendered page as it is kept: with its validator, compressed, and with its header fields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from app.cache.response_cache import StoredResponse
from app.responses.compression import MIN_COMPRESSED_BYTES, compressed


def stored_page(body: bytes, encoding: str, headers: Mapping[str, str]) -> StoredResponse:
    """A page that is kept.

    Args:
        body: the identity-encoded body.
        encoding: wanted; a short page is not compressed.
        headers: all but those that depend on the bytes.
    """
    # The validator is taken before compression, so that replicas with other versions of a compressor
    # agree on it; a strong one differs between encodings (RFC 9110 section 8.8.3.3).
    tag = hashlib.blake2b(body, digest_size=16).hexdigest()
    own = {}
    if encoding != "identity" and len(body) >= MIN_COMPRESSED_BYTES:
        body = compressed(body, encoding)
        tag += f"-{encoding}"
        own["Content-Encoding"] = encoding
    own |= {"ETag": f'"{tag}"', "Content-Length": str(len(body))}
    raw = tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in {**headers, **own}.items()
    )
    return StoredResponse.of(body, raw, f'"{tag}"')
