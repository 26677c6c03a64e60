"""Answers for folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.cache.response_cache import StoredResponse
from app.catalog import Catalog, FolderSizes, FolderView, PartialView
from app.domain.access import Permission
from app.domain.errors import BadParameter, Moved
from app.pages.representations import REPRESENTATIONS, SEARCHED
from app.responses.archive_stream import ARCHIVE_FORMS, Archive, ArchiveListing
from app.responses.caching import CacheHeaders
from app.responses.folder_listing import FolderPages, not_modified_headers
from app.responses.page_request import PageRequest
from app.responses.parsed_request import ParsedRequest, negotiated
from app.responses.partial_listing import may_be_partial, partial_answer
from app.responses.record import note_for_all, record_of
from app.responses.rendered import is_not_modified
from app.responses.search_listing import Search, SearchListing
from app.responses.subtree_listing import Subtree, SubtreeListing
from app.routes.get_it import GetItRoute
from app.routes.index_files import IndexFiles
from app.routes.parameters import MAX_LIMIT, Query

_PARAMETERS: Final = (
    "format",
    "limit",
    "after",
    "sort",
    "order",
    "recursive",
    "digests",
    "q",
    "sizes",
    "get",
    "archive",
)


class FolderRoute:
    """Answers for folders.

    Args:
        pages: renders and keeps their pages.
        sizes: says how much is below the folders of a folder.
        subtrees: answers `?recursive=true`.
        searches: answers that with `q`.
        cache_headers: say how long a page may be kept.
        index_files: stand for folders.
        get_it: answers `?get=`.
        archives: answers `?archive=`.
        origin_url: makes a URL of a path that has its root path.
    """

    def __init__(
        self,
        catalog: Catalog,
        pages: FolderPages,
        sizes: FolderSizes,
        subtrees: SubtreeListing,
        searches: SearchListing,
        cache_headers: CacheHeaders,
        index_files: IndexFiles,
        get_it: GetItRoute,
        archives: ArchiveListing,
        origin_url: Callable[[Request, str], str],
    ) -> None:
        self._catalog = catalog
        self._pages = pages
        self._sizes = sizes
        self._subtrees = subtrees
        self._searches = searches
        self._cache_headers = cache_headers
        self._index_files = index_files
        self._get_it = get_it
        self._archives = archives
        self._origin_url = origin_url

    async def answer(self, request: Request, parsed: ParsedRequest) -> ASGIApp:
        """Answer for a folder.

        Raises:
            BadParameter: a parameter is not of its form, or misspelt.
            Moved: to the canonical path, where the links of a page would mislead.
            As `Catalog.view_folder`.
        """
        path, principal = parsed.path, parsed.identity.principal
        query = Query(request)
        query.refuse_misspelt(_PARAMETERS)
        if record_of(request).has_misleading_links and _is_for_page(query, parsed):
            raise Moved(path)
        if (other := await self._other_than_list(request, parsed, query)) is not None:
            return other
        cut = _part_of(query)
        representation = cut.format or parsed.representation
        if REPRESENTATIONS[representation].has_whole_urls:
            parsed = parsed._replace(mount=parsed.mount._replace(origin=self._origin_url(request, "")))
        if not (REPRESENTATIONS[representation].takes_parts or cut.is_whole):
            raise BadParameter(
                "format", f"another than {representation} together with limit, after, sort, q or sizes"
            )
        if not request.url.query and representation == "html":
            index = await self._index_files.answer(request, path, principal)
            if index is not None:
                return index
        record_of(request).route = f"folder-{representation}"
        view = await self._view(request, parsed, cut, representation)
        note_for_all(request, principal)
        if isinstance(view, PartialView):
            return await partial_answer(view, representation, self._pages, in_parts=parsed.in_parts)
        record_of(request).cache = view.outcome
        if cut.is_whole:
            page = await self._pages.whole(view, representation, parsed.encoding, in_parts=parsed.in_parts)
        else:
            if cut.sizes:
                view = await self._sizes.added_to(view)
            page = await self._pages.part(
                view, representation, parsed.encoding, cut, in_parts=parsed.in_parts
            )
        headers = self._cache_headers.of_view(principal, view.age, is_stale=view.is_stale)
        return FolderAnswer(
            page, headers, is_known=is_not_modified(request, page.e_tag.decode("ascii").strip('"'))
        )

    async def _other_than_list(self, request: Request, parsed: ParsedRequest, query: Query) -> ASGIApp | None:
        """The answer to a query for something else than the list of the folder; None for that."""
        if (name := query.text("get")) is not None:
            return await self._get_it.answer(request, parsed, name)
        if (archive := query.choice("archive", ARCHIVE_FORMS)) is not None:
            asked = Archive(parsed.path, parsed.identity.principal, archive, parsed.mount)
            return await self._archives.answer(request, asked)
        if not query.flag("recursive"):
            return None
        if (text := query.text("q")) is not None:
            return await self._search(request, parsed, query, text)
        return await self._recursive(request, parsed, query)

    async def _view(
        self,
        request: Request,
        parsed: ParsedRequest,
        cut: PageRequest,
        representation: str,
    ) -> FolderView | PartialView:
        principal = parsed.identity.principal
        reread = Permission.REFRESH in principal.permissions and _asks_for_new(request)
        is_in_listing_order = cut.is_whole and self._pages.order_of(parsed.path) is None
        if is_in_listing_order and may_be_partial(request, representation):
            return await self._catalog.view_partial(parsed.path, principal, reread=reread, mount=parsed.mount)
        return await self._catalog.view_folder(parsed.path, principal, reread=reread, mount=parsed.mount)

    async def _search(self, request: Request, parsed: ParsedRequest, query: Query, text: str) -> ASGIApp:
        """The names that match in the whole subtree. The page's form sends an order too, which counts for one folder only."""
        query.order()
        form = query.choice("format", tuple(SEARCHED))
        representation = form or negotiated(request.headers.getlist("accept"), is_search=True)
        record_of(request).route = f"search-{representation}"
        asked = Search(
            parsed.path,
            parsed.identity.principal,
            text,
            representation,
            form,
            query.number("limit", MAX_LIMIT),
            query.text("after"),
            parsed.mount,
        )
        return await self._searches.answer(request, asked)

    async def _recursive(self, request: Request, parsed: ParsedRequest, query: Query) -> ASGIApp:
        """The whole subtree as ndjson."""
        record_of(request).route = "recursive"
        if query.text("format") not in (None, "ndjson"):
            raise BadParameter("format", "ndjson, or left out, together with recursive=true")
        if query.order() is not None:
            raise BadParameter("sort", "left out together with recursive=true, which lists by path")
        if query.flag("sizes"):
            raise BadParameter(
                "sizes", "left out together with recursive=true, which lists what is in the folders"
            )
        limit, after = query.number("limit", MAX_LIMIT), query.text("after")
        digests = query.flag("digests")
        asked = Subtree(
            parsed.path,
            parsed.identity.principal,
            "ndjson",
            {"recursive": "true"} | ({"digests": "true"} if digests else {}),
            limit,
            after,
            digests,
            parsed.mount,
        )
        return await self._subtrees.answer(request, asked)


def _is_for_page(query: Query, parsed: ParsedRequest) -> bool:
    """Whether the answer is a page, and not a list or an archive, which have no links that depend on where they are read."""
    is_walk = query.flag("recursive") and query.text("q") is None
    return (
        not is_walk
        and query.text("archive") is None
        and (query.text("format") or parsed.representation) == "html"
    )


def _part_of(query: Query) -> PageRequest:
    """The part of the folder that is asked for.

    Raises:
        BadParameter: a parameter is not of its form.
    """
    if query.flag("digests"):
        raise BadParameter("digests", "left out, or together with recursive=true")
    return PageRequest(
        query.text("after"),
        query.number("limit", MAX_LIMIT),
        query.choice("format", tuple(REPRESENTATIONS)),
        query.order(),
        query.text("q") or None,
        query.flag("sizes"),
    )


def _asks_for_new(request: Request) -> bool:
    """RFC 9111 section 5.2.1.4. It needs a permission, because every such request costs a listing."""
    return any("no-cache" in line.lower() for line in request.headers.getlist("cache-control"))


class FolderAnswer:
    """Sends a page, or 304 if the client has it.

    Args:
        headers: raw fields beside the page's own.
    """

    def __init__(
        self, page: StoredResponse, headers: Sequence[tuple[bytes, bytes]], *, is_known: bool
    ) -> None:
        self._status = 304 if is_known else 200
        self._headers = [*(not_modified_headers(page) if is_known else page.headers), *headers]
        self._body = b"" if is_known else page.body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        body = self._body if scope["method"] == "GET" else b""
        await send({"type": "http.response.body", "body": body})
