"""Everything that can be answered from memory."""

from __future__ import annotations

from app.server.fast_redirects import RedirectLookup
from app.server.fast_request import FastAnswer, FastRequest, ListingLookup


class FastLookup:
    """Finds answers that are at hand: pages of folders, and redirects to files.

    Args:
        pages: those of folders.
        redirects: those of files.
    """

    def __init__(self, pages: ListingLookup, redirects: RedirectLookup) -> None:
        self._pages = pages
        self._redirects = redirects

    def read(
        self,
        method: str,
        raw_path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        peer: str | None,
    ) -> FastRequest | None:
        """What a request asks for; None where the long way has to look at it. The same for the same text.

        Args:
            raw_path: as it was sent, without the query.
            headers: raw, names in lower case.
            peer: address of the client, where there is one.
        """
        source = self._pages if raw_path[-1:] == b"/" else self._redirects
        return source.read(method, raw_path, query, headers, peer)

    def find(self, request: FastRequest) -> FastAnswer | None:
        """The answer to a request, if it is at hand."""
        source = self._pages if request.head.path.is_folder else self._redirects
        return source.find(request)
