"""Answers with the names that match in a folder and everywhere below it, as they are found."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.catalog import Catalog, SubtreeSearch, name_filter
from app.domain.access import Principal
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.pages.links import next_walk_query
from app.pages.representations import REPRESENTATIONS, SEARCHED
from app.pages.search_page import SearchPage
from app.responses.caching import LISTING_VARY, NOT_STORED
from app.responses.headers import FOLDER_SECURITY_POLICY
from app.responses.line_stream import SEND_NOW, require_chunks, stream_lines

SEARCH_SECONDS: Final = 10
"""So long does one request search at most: a walk of some ten thousand entries of S3, and of more of a directory."""
MOST_FOUND: Final = 1000
"""Matches of one answer, if the request does not say."""


class Search(NamedTuple):
    """A request to search.

    Attributes:
        path: the folder.
        principal: who asks.
        name_like: what names match.
        representation: of the answer; one of those that are `SEARCHED`.
        format: the value of the parameter, for a link that asks for the same.
        limit: most matches; None for the default.
        after: begin behind this path below the folder, or None.
        mount: where the folder is listed.
    """

    path: ArtifactPath
    principal: Principal
    name_like: str
    representation: str
    format: str | None = None
    limit: int | None = None
    after: str | None = None
    mount: Mount = AT_ROOT


class SearchListing:
    """Searches folders.

    Args:
        catalog: walks them.
        html: renders pages.
        site: named on every page.
        clock: seconds; never goes back.
    """

    def __init__(self, catalog: Catalog, html: HtmlPages, site: Site, clock: Callable[[], float]) -> None:
        self._catalog = catalog
        self._html = html
        self._site = site
        self._clock = clock

    async def answer(self, request: Request, asked: Search) -> Response:
        """What is found, until it is enough or the time is over; or the connection breaks.

        Raises:
            BadParameter: `name_like` is too long, `after` is no path, or the client speaks HTTP/1.0.
            As `Catalog.walk` before the first entry.
        """
        require_chunks(request, "a search of all folders below")
        headers = {
            "Content-Type": REPRESENTATIONS[asked.representation].media_type,
            **NOT_STORED,
            "Vary": LISTING_VARY,
            "Content-Security-Policy": FOLDER_SECURITY_POLICY,
        }
        search = SubtreeSearch(
            self._catalog.walk(asked.path, asked.principal, asked.after, mount=asked.mount),
            name_filter(asked.name_like),
            limit=asked.limit or MOST_FOUND,
            seconds=SEARCH_SECONDS,
            clock=self._clock,
        )
        lines = self._lines(search, asked)
        return await stream_lines(request, asked.principal, lines, headers)

    async def _lines(self, search: SubtreeSearch, asked: Search) -> AsyncGenerator[bytes, None]:
        form, before, page = SEARCHED[asked.representation], b"", self._page(search, asked)
        head = form.before(self._html, page)
        async with aclosing(search.parts()) as parts:
            async for part in parts:  # what denies the folder is raised before anything goes out
                if part:
                    yield head + before + form.between.join([form.entry(visible, page) for visible in part])
                    before = form.between
                else:
                    yield head or form.idle
                yield SEND_NOW
                head = b""
        yield head + form.after(self._html, self._page(search, asked))

    def _page(self, search: SubtreeSearch, asked: Search) -> SearchPage:
        fields = {"recursive": "true", "q": asked.name_like}
        if asked.format is not None:
            fields["format"] = asked.format
        following = search.last and next_walk_query(asked.path, search.last, asked.limit, fields)
        return SearchPage(
            self._site.under(asked.mount.root_path),
            asked.path,
            asked.name_like,
            asked.limit,
            asked.mount,
            search.found,
            search.left_out,
            following,
        )
