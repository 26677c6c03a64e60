"""The short way to a file in the store: the redirect that was made for it a moment ago, with nothing in between.

As `warm` for pages: it answers only what the long way would answer with the very same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from app.auth.principal import Authenticator
from app.cache.response_cache import RedirectCache
from app.catalog import Catalog
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.domain.reserved import is_reserved
from app.server.fast_request import (
    MAX_MEMO_BYTES,
    MEMO_SIZE,
    FastAnswer,
    FastRequest,
    Head,
    field_values,
    lines_of,
    logged_text,
)

FILE_REDIRECT: Final = "file-redirect"
"""The label that redirects are counted under."""


class RedirectLookup:
    """Finds redirects that are at hand.

    Args:
        redirects: keeps what was made.
        authenticator: says who asks.
        is_host: whether a Host field is well-formed.
    """

    def __init__(
        self,
        catalog: Catalog,
        redirects: RedirectCache,
        authenticator: Authenticator,
        *,
        is_host: Callable[[bytes], bool],
    ) -> None:
        self._catalog = catalog
        self._redirects = redirects
        self._authenticator = authenticator
        self._is_host = is_host
        self._head = lru_cache(MEMO_SIZE)(self._read_head)

    def read(
        self,
        method: str,
        raw_path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        peer: str | None,
    ) -> FastRequest | None:
        """As `ListingLookup.read`, for a GET of a file without conditions."""
        if method != "GET" or query or len(raw_path) > MAX_MEMO_BYTES:
            return None
        fields = field_values(headers)
        if fields is None or b"if-none-match" in fields:  # it may be answered with 304
            return None
        head = self._head(raw_path, peer, fields[b"host"], fields.get(b"x-forwarded-for"))
        if head is None:
            return None
        return FastRequest(method, head, None, None, logged_text(fields.get(b"user-agent")))

    def find(self, request: FastRequest) -> FastAnswer | None:
        """The answer to a request, if it is at hand."""
        path, principal = request.head.path, request.head.principal
        if (version := self._catalog.fresh_version(path.parent)) is None:
            return None
        page = self._redirects.ready(path, principal, version)
        return None if page is None else FastAnswer(302, page, (), b"")

    def _read_head(
        self, raw: bytes, peer: str | None, host: bytes, forwarded_for: bytes | None
    ) -> Head | None:
        try:
            path = ArtifactPath.parse(raw)
        except RequestError:
            return None
        if not self._is_host(host) or is_reserved(path.segments[0]):
            return None
        identity = self._authenticator.without_credentials(lines_of(forwarded_for), peer)
        return Head(
            path=path,
            principal=identity.principal,
            route=FILE_REDIRECT,
            path_text=raw.decode("ascii", "backslashreplace"),
            client=str(identity.client) if identity.client else peer,
        )
