"""Rendered pages: made once for each tier, representation and encoding, then only sent."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from app.cache.byte_cache import ByteCache
from app.domain.paths import ArtifactPath

PAGE_OVERHEAD = 2_400
"""Bytes that a page costs beside its body: its headers, key and record."""


class PageKey(NamedTuple):
    """What a page's bytes depend on, beside what the folder holds.

    Attributes:
        tier: all that decides what the asker sees in this folder; nothing else about the asker may matter.
        representation: html, json, ndjson or text.
        encoding: content coding: identity, gzip, br or zstd.
    """

    path: ArtifactPath
    tier: Hashable
    representation: str
    encoding: str


class Page(NamedTuple):
    """A body as it goes out.

    Attributes:
        body: encoded.
        headers: raw name and value pairs that are the same whenever it is sent, names in lower case.
        fields: the same, as lines of a response head (RFC 9112 section 5).
        e_tag: value of the ETag field, quotes included.
    """

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    fields: bytes
    e_tag: bytes

    @classmethod
    def of(cls, body: bytes, headers: tuple[tuple[bytes, bytes], ...], e_tag: str) -> Page:
        """A page with its headers written out."""
        return cls(body, headers, field_lines(headers), e_tag.encode("ascii"))


def field_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header fields as they stand in a response head, each with the end of its line."""
    return b"".join([b"%b: %b\r\n" % field for field in headers])


class _Rendered(NamedTuple):
    page: Page
    version: int


class PageCache:
    """Pages by key, each good only for the very version of the folder that it was rendered from.

    So a page never outlives the rules that allowed it: when the folder is read again and has changed, its
    pages are no longer found.

    Args:
        held: where pages are kept, together with the snapshots.
    """

    def __init__(self, held: ByteCache) -> None:
        self._held = held

    def get(self, key: PageKey, version: int) -> Page | None:
        """The page for a key, if it was rendered from this version of the folder."""
        rendered: _Rendered | None = self._held.get(key)
        return rendered.page if rendered is not None and rendered.version == version else None

    def put(self, key: PageKey, version: int, page: Page) -> None:
        """Keep a page that was rendered from this version of the folder."""
        self._held.put(key, _Rendered(page, version), len(page.body) + PAGE_OVERHEAD)
