"""The short way: from the request's head to a page that is in memory, with nothing in between.

It answers only what the long way would answer with the very same bytes, and leaves everything out of the
ordinary to that: credentials, cookies, repeated fields, paging, whatever is not at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from starlette.types import Scope

from app.auth.principal import Identity
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.http_semantics import choose_encoding
from app.routes.browse import FolderAnswer, folder_headers, negotiated
from app.routes.compression import ENCODINGS
from app.routes.folder_pages import MEDIA_TYPES
from app.routes.services import Services

MEMO_SIZE: Final = 4096
MAX_MEMO_BYTES: Final = 512
"""Longer fields and paths are rare, and not worth remembering."""
MAX_USUAL_FIELDS: Final = 64
MAX_USUAL_BYTES: Final = 16 * 1024
"""Requests with more than that are for the long way, which may refuse them."""

_FORMATS: Final[dict[bytes, str | None]] = {b"": None} | {
    f"format={name}".encode(): name for name in MEDIA_TYPES
}
_READ: Final = frozenset({b"accept", b"accept-encoding", b"host", b"if-none-match", b"x-forwarded-for"})
_LEFT_TO_OTHERS: Final = frozenset({b"authorization", b"cookie"})
"""Fields of which a request that is answered here has none: a principal or an acceptance may be in them."""


class WarmAnswer(NamedTuple):
    """An answer that only has to be sent.

    Attributes:
        route: the label that it is counted under.
    """

    answer: FolderAnswer
    route: str
    identity: Identity


class WarmPages:
    """Finds answers that are at hand.

    Args:
        services: as all routes use them.
        is_reserved: whether a first path segment is the server's own.
        is_host: whether a Host field is well-formed.
    """

    def __init__(
        self, services: Services, *, is_reserved: Callable[[str], bool], is_host: Callable[[bytes], bool]
    ) -> None:
        self._catalog = services.catalog
        self._pages = services.folder_pages
        self._cache_headers = services.cache_headers
        self._identify = lru_cache(MEMO_SIZE)(services.authenticator.without_credentials)
        self._is_host = lru_cache(MEMO_SIZE)(is_host)
        self._folder = lru_cache(MEMO_SIZE)(lambda raw: _folder_path(raw, is_reserved))

    def find(self, scope: Scope) -> WarmAnswer | None:
        """The answer to a request, if it is at hand."""
        raw: bytes = scope["raw_path"]
        chosen = _FORMATS.get(scope["query_string"], "")
        if (
            chosen == ""
            or raw[-1:] != b"/"
            or len(raw) > MAX_MEMO_BYTES
            or scope["method"] not in ("GET", "HEAD")
        ):
            return None
        fields = _fields(scope["headers"])
        if fields is None or not self._is_host(fields[b"host"]):
            return None
        path = self._folder(raw)
        if path is None:
            return None
        peer = scope["client"][0] if scope["client"] else None
        identity = self._identify(fields.get(b"x-forwarded-for"), peer)
        view = self._catalog.warm(path, identity.principal)
        if view is None:
            return None
        representation = chosen or _representation(fields.get(b"accept"))
        page = self._pages.ready(view, representation, _encoding(fields.get(b"accept-encoding")))
        if page is None:
            return None
        status = 200
        if (known := fields.get(b"if-none-match")) is not None:
            if known != page.e_tag.encode("ascii"):
                return None
            status = 304
        answer = FolderAnswer(page, status, folder_headers(view, self._cache_headers))
        return WarmAnswer(answer, f"folder-{representation}", identity)


def _fields(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    """The fields that matter here, or None where one of them is for the long way."""
    fields: dict[bytes, bytes] = {}
    size = 0
    for name, value in headers:
        size += len(value)
        if name in _READ:
            if name in fields or len(value) > MAX_MEMO_BYTES:
                return None
            fields[name] = value
        elif name in _LEFT_TO_OTHERS:
            return None
    is_usual = size <= MAX_USUAL_BYTES and len(headers) <= MAX_USUAL_FIELDS and b"host" in fields
    return fields if is_usual else None


def _folder_path(raw: bytes, is_reserved: Callable[[str], bool]) -> ArtifactPath | None:
    try:
        path = ArtifactPath.parse(raw)
    except RequestError:
        return None
    return None if path.segments and is_reserved(path.segments[0]) else path


@lru_cache(MEMO_SIZE)
def _representation(accept: bytes | None) -> str:
    return negotiated(() if accept is None else (accept.decode("latin-1"),))


@lru_cache(MEMO_SIZE)
def _encoding(accept_encoding: bytes | None) -> str:
    lines = () if accept_encoding is None else (accept_encoding.decode("latin-1"),)
    return choose_encoding(lines, ENCODINGS)
