"""Finds answers in memory: pages of folders, and redirects to files.

Finds only answers that are byte for byte the same as those of the full path.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple

from app.cache.response_cache import RedirectCache, StoredResponse, field_lines
from app.catalog import Catalog
from app.domain.access import Principal
from app.policy.serving import ServingRules
from app.responses.caching import CacheHeaders
from app.responses.folder_listing import FolderPages, not_modified_headers
from app.responses.parsed_request import ParsedRequest
from app.responses.small_files import SmallFiles
from app.responses.streaming import PIECE_BYTES
from app.routes.limited import RequestLimits
from app.server.fast_request import FastRequest
from app.storage.store import QuickRead

REMEMBERED_AGES: Final = 4096

REDIRECT_SECONDS: Final = 1.0
"""Seconds for which a redirect is given again without a look at the clock."""

FILE_REDIRECT: Final = "file-redirect"
FILE_STREAM: Final = "file-stream"
"""The labels that files are counted under."""


class FastAnswer(NamedTuple):
    """An answer that only has to be sent.

    Attributes:
        status: 200, 302 or 304.
        route: the metric label.
        cache: for the log: fast, or stale if the folder is due for a refresh; empty for files.
        response: the parts that never change.
        changing: raw header fields that are not: how long it may be kept, its age, and which other sites may read it.
        body: as sent; empty for HEAD and 304.
        fields: all header fields, as lines of a response head.
        same_for: seconds for which it stays the same if the cache does not change, but for a body that is read; 0 for an
            answer that depends on more.
        read: reads the body for the next such answer, or gives None if that has to be found anew. None for a body that stays.
    """

    status: int
    route: str
    cache: str
    response: StoredResponse
    changing: tuple[tuple[bytes, bytes], ...]
    body: bytes
    fields: bytes
    same_for: float = 0.0
    read: QuickRead | None = None

    @classmethod
    def of(
        cls,
        status: int,
        route: str,
        cache: str,
        response: StoredResponse,
        changing: tuple[tuple[bytes, bytes], ...],
        body: bytes,
        same_for: float = 0.0,
        read: QuickRead | None = None,
    ) -> FastAnswer:
        """An answer with its header fields written out."""
        known = field_lines(not_modified_headers(response)) if status == 304 else response.fields
        fields = known + _changing_lines(changing)
        return cls(status, route, cache, response, changing, body, fields, same_for, read)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """All header fields, raw."""
        known = not_modified_headers(self.response) if self.status == 304 else self.response.headers
        return [*known, *self.changing]


class FastLookup:
    """Finds cached answers.

    Args:
        pages: keeps rendered pages.
        redirects: keeps redirects to the store.
        small_files: read files at once.
        limits: know the clients that have requested too many absent paths.
        cache_headers: say how long a page may be kept.
        serving: names index files.
    """

    def __init__(
        self,
        catalog: Catalog,
        pages: FolderPages,
        redirects: RedirectCache,
        small_files: SmallFiles,
        limits: RequestLimits,
        cache_headers: CacheHeaders,
        serving: ServingRules,
    ) -> None:
        self._catalog = catalog
        self._pages = pages
        self._redirects = redirects
        self._small_files = small_files
        self._limits = limits
        self._cache_headers = cache_headers
        self._serving = serving

    def find(self, request: FastRequest) -> FastAnswer | None:
        """The answer to a request, if it is cached."""
        parsed = request.asked.parsed
        if parsed.path.is_folder:
            return self._listing(request, parsed)
        return (
            self._small_file(request, parsed)
            if self._small_files.are_possible
            else self._redirect(request, parsed)
        )

    def _listing(self, request: FastRequest, parsed: ParsedRequest) -> FastAnswer | None:
        if parsed.representation == "html" and self._serving.options_for(parsed.path).index:
            return None
        view = self._catalog.ready_view(parsed.path, parsed.identity.principal, parsed.mount)
        if view is None:
            return None
        page = self._pages.ready(view, parsed.representation, parsed.encoding, in_parts=parsed.in_parts)
        if page is None:
            return None
        cache = "stale" if view.is_stale else "fast"
        changing = self._cache_headers.of_view(parsed.identity.principal, view.age, is_stale=view.is_stale)
        if request.asked.for_all:
            changing += request.asked.for_all
        status, body = 200, page.body if request.method == "GET" else b""
        if request.known is not None:
            status, body = 304, b""
            if request.known != page.e_tag:
                return None
        if len(body) > PIECE_BYTES:
            return None  # the full path sends it in pieces
        same_for = min(view.same_for, 1 - view.age % 1)  # the age goes out in whole seconds
        return FastAnswer.of(status, request.asked.route, cache, page, changing, body, same_for)

    def _redirect(self, request: FastRequest, parsed: ParsedRequest) -> FastAnswer | None:
        principal = parsed.identity.principal
        if principal != Principal(trusted=principal.trusted):
            return None  # redirects are kept for everybody, or not at all
        if (folder := self._catalog.fresh_version(parsed.path.parent)) is None:
            return None
        redirect = self._redirects.ready(parsed.path, principal, folder.version)
        if redirect is None:
            return None
        # A moment at most: the clock that its URL depends on may be set.
        same_for = min(folder.fresh_for, redirect.valid_for, REDIRECT_SECONDS)
        return FastAnswer.of(302, FILE_REDIRECT, "", redirect.page, request.asked.for_all, b"", same_for)

    def _small_file(self, request: FastRequest, parsed: ParsedRequest) -> FastAnswer | None:
        identity = parsed.identity
        if identity.client is None:
            return None
        if (found := self._small_files.ready(parsed.path, identity.principal, parsed.mount)) is None:
            return None
        has_room = self._limits.room_for(identity.client)
        read = found.read if has_room is None else partial(_read_if, has_room, found.read)
        if (content := read()) is None:
            return None
        for_all = request.asked.for_all
        return FastAnswer.of(200, FILE_STREAM, "", found.head, for_all, content, found.fresh_for, read)


def _read_if(has_room: Callable[[], bool], read: QuickRead) -> bytes | None:
    return read() if has_room() else None


_changing_lines = lru_cache(REMEMBERED_AGES)(field_lines)
"""Cached, since pages have few different ages."""
