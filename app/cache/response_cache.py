"""Responses that were made once and are only sent from then on: rendered listings, and redirects to the store."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple

from app.cache.byte_cache import ByteCache
from app.domain.access import Principal
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath

RESPONSE_OVERHEAD = 3_300
"""Bytes that a page costs beside its body: its headers, key and record."""


class ListingKey(NamedTuple):
    """What the bytes of a page depend on, beside the content of the folder.

    Attributes:
        tier: all that decides what the principal sees in this folder; nothing else about the principal may matter.
        representation: the name of its format.
        encoding: content coding: identity, gzip, br or zstd.
        mount: where the folder is listed.
    """

    path: ArtifactPath
    tier: Hashable
    representation: str
    encoding: str
    mount: Mount = AT_ROOT


class StoredResponse(NamedTuple):
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
    def of(cls, body: bytes, headers: tuple[tuple[bytes, bytes], ...], e_tag: str) -> StoredResponse:
        """A page with its headers written out."""
        return cls(body, headers, field_lines(headers), e_tag.encode("ascii"))


def field_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header fields as they stand in a response head, each with the end of its line."""
    return b"".join([b"%b: %b\r\n" % field for field in headers])


class _Rendered(NamedTuple):
    page: StoredResponse
    version: Hashable


class ResponseCache:
    """Pages by key, each valid only for the version of the folder that it was rendered from.

    So a page never outlives the rules that allowed it: when the folder is read again and has changed, its
    pages are no longer found.

    Args:
        held: where pages are kept, together with the snapshots.
    """

    def __init__(self, held: ByteCache) -> None:
        self._held = held

    def get(self, key: ListingKey, version: Hashable) -> StoredResponse | None:
        """The page for a key, if it was rendered from this version of the folder."""
        rendered: _Rendered | None = self._held.get(key)
        return rendered.page if rendered is not None and rendered.version == version else None

    def put(self, key: ListingKey, version: Hashable, page: StoredResponse) -> None:
        """Keep a page that was rendered from this version of the folder."""
        self._held.put(key, _Rendered(page, version), len(page.body) + RESPONSE_OVERHEAD)


class _RedirectKey(NamedTuple):
    path: ArtifactPath
    trusted: bool
    kind: str = "redirect"


class ReadyRedirect(NamedTuple):
    """An earlier answer that is still valid, and the seconds for which it is."""

    page: StoredResponse
    valid_for: float


class _StoredRedirect(NamedTuple):
    page: StoredResponse
    version: int
    since: float
    until: float


class RedirectCache:
    """Redirects to the store: keeps the whole answer, so that a signature is made once for each file and window.

    Like a page, each is valid only for the version of the folder that it was decided by: the decision depends
    only on the rules and the listing of that version, on the path and on the principal. And it is valid
    only until the store would sign another URL.

    Args:
        held: where they are kept, together with folders and pages.
        shared: header fields that every answer has.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, held: ByteCache, shared: Mapping[str, str], *, clock: Callable[[], float]) -> None:
        self._held = held
        self._shared = shared
        self._clock = clock

    def ready(self, path: ArtifactPath, principal: Principal, version: int) -> ReadyRedirect | None:
        """The earlier answer to this principal for this path, if it is still valid.

        Args:
            principal: one without credentials and without accepted licences.
            version: of the folder as it is now.
        """
        kept: _StoredRedirect | None = self._held.get(_RedirectKey(path, principal.trusted))
        if kept is None or kept.version != version:
            return None
        now = self._clock()
        if not kept.since <= now < kept.until:  # a clock that was set back makes it one of the future
            return None
        return ReadyRedirect(kept.page, kept.until - now)

    def keep(
        self,
        path: ArtifactPath,
        principal: Principal,
        version: int,
        fields: Mapping[str, str],
        *,
        until: float,
    ) -> None:
        """Keep an answer. Not for principals with credentials or accepted licences.

        Args:
            version: of the folder that it was decided by, whose listing shows the file as it is.
            fields: the answer's header fields.
            until: seconds since the epoch, UTC.
        """
        if principal != Principal(trusted=principal.trusted):
            return
        headers = {**fields, "Content-Length": "0", **self._shared}
        raw = tuple(
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        )
        page = StoredResponse.of(b"", raw, "")
        cost = 2 * len(page.fields) + RESPONSE_OVERHEAD
        self._held.put(
            _RedirectKey(path, principal.trusted), _StoredRedirect(page, version, self._clock(), until), cost
        )
