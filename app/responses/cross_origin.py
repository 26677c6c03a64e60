"""Which answers scripts of other sites' pages may read: what anybody gets, where the operator allows it.

The Fetch standard, section 3.2 "CORS protocol" (https://fetch.spec.whatwg.org/#http-cors-protocol). Nothing here is ever
allowed with credentials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from app.responses.caching import RawField

ANY: Final = "*"
_METHODS: Final = "GET, HEAD"
_SENT: Final = (
    "Cache-Control, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range"
)
"""Request fields that scripts may set, beside those that they always may."""
_EXPOSED: Final = (
    "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Length, Content-Location, Content-Range, ETag, Link, "
    "Repr-Digest, X-Checksum-Sha256, X-Pierhead-As-Of, X-Pierhead-Digest-Source"
)
"""Fields of an answer that scripts may read, beside those that they always may."""
_MAX_AGE: Final = "86400"
"""Seconds for which browsers need not ask again; they have bounds of their own."""


class CrossOrigin:
    """Says which other sites may read what anybody gets.

    Args:
        origins: those sites, as browsers name them in `Origin`; `*` for all; empty for none.
    """

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._origins = frozenset(origins)
        self._is_any = ANY in origins

    @property
    def depends_on_origin(self) -> bool:
        """Whether answers differ with the `Origin` of a request."""
        return bool(self._origins) and not self._is_any

    def fields(self, origin: str | None) -> tuple[RawField, ...]:
        """Raw fields for an answer that anybody gets.

        Args:
            origin: of the request; None for none, or several.
        """
        if (allowed := self._allowed(origin)) is None:
            return ()
        return (
            (b"access-control-allow-origin", allowed.encode("ascii")),
            (b"access-control-expose-headers", _EXPOSED.encode("ascii")),
        )

    def preflight(self, headers: Headers) -> Response | None:
        """The answer to a question of a browser whether it may send a request; None for any other request.

        The same for every path, so that it says nothing of any.
        """
        if "access-control-request-method" not in headers:
            return None
        if (allowed := self._allowed(origin_of(headers))) is None:
            return None
        return Response(
            None,
            204,
            {
                "Access-Control-Allow-Origin": allowed,
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": _SENT,
                "Access-Control-Max-Age": _MAX_AGE,
            },
        )

    def _allowed(self, origin: str | None) -> str | None:
        if self._is_any:
            return ANY
        return origin if origin in self._origins else None


def origin_of(headers: Headers) -> str | None:
    """The site whose page sends a request; None for none, or several."""
    lines = headers.getlist("origin")
    return lines[0] if len(lines) == 1 else None
