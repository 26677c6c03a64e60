"""A folder, for people and for scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.catalog import take_page
from app.domain.access import Principal, VisibleEntry
from app.domain.errors import BadParameter
from app.domain.paths import ArtifactPath
from app.http_semantics import choose_media_type
from app.pages.contexts import FolderPage
from app.pages.json_lists import entry_line, folder_json, folder_ndjson, folder_text
from app.pages.links import next_query, next_walk_query
from app.routes.query import Query
from app.routes.responses import LISTING_VARY, cache_control, rendered
from app.routes.services import Services, record_of
from app.routes.streams import LineStream

MAX_LIMIT: Final = 100_000

MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "text": "text/plain; charset=utf-8",
}
_NEGOTIABLE: Final = {media_type.partition(";")[0]: name for name, media_type in MEDIA_TYPES.items()}


async def browse(
    request: Request, path: ArtifactPath, principal: Principal, services: Services
) -> Response | LineStream:
    """Answer for a folder.

    Raises:
        BadParameter: `format`, `limit`, `after` or `recursive` is not of its form.
        As `Catalog.list_folder`.
    """
    query = Query(request)
    if query.flag("recursive"):
        return await _recursive(request, path, principal, services, query)
    chosen = query.choice("format", tuple(MEDIA_TYPES))
    representation = chosen or _negotiated(request)
    record_of(request).route = f"folder-{representation}"
    limit = query.number("limit", MAX_LIMIT)
    entries = await services.catalog.list_folder(path, principal)
    part = take_page(entries, after=query.text("after"), limit=limit)
    page = FolderPage(services.site, path, part.entries, part.next_after, part.total, limit)
    response = rendered(
        request, _render(page, representation, services), MEDIA_TYPES[representation], principal
    )
    if (following := next_query(page, chosen)) is not None:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def _negotiated(request: Request) -> str:
    """The representation by Accept; a client that accepts none of ours gets HTML (RFC 9110 section 12.5.1)."""
    media_type = choose_media_type(request.headers.getlist("accept"), tuple(_NEGOTIABLE))
    return _NEGOTIABLE[media_type] if media_type is not None else "html"


def _render(page: FolderPage, representation: str, services: Services) -> bytes:
    match representation:
        case "json":
            return folder_json(page)
        case "ndjson":
            return folder_ndjson(page)
        case "text":
            return folder_text(page)
        case _:
            return services.html.folder(page)


async def _recursive(
    request: Request, path: ArtifactPath, principal: Principal, services: Services, query: Query
) -> LineStream:
    """The whole subtree as ndjson, streamed: all of it, or the connection breaks."""
    record_of(request).route = "recursive"
    if query.text("format") not in (None, "ndjson"):
        raise BadParameter("format", "ndjson, or left out, together with recursive=true")
    if request.scope["http_version"] == "1.0":
        # It has no chunks, so that a stream that broke off would look like a whole one.
        raise BadParameter("recursive=true", "asked for by HTTP/1.1 or later")
    limit = query.number("limit", MAX_LIMIT)
    entries = services.catalog.walk(path, principal, query.text("after"))
    headers = {
        "Content-Type": MEDIA_TYPES["ndjson"],
        "Cache-Control": cache_control(principal),
        "Vary": LISTING_VARY,
    }
    if limit is None:
        return await LineStream.start(_lines(entries), headers)
    kept, is_cut = await _first(entries, limit)
    if is_cut:
        headers["Link"] = f'<{next_walk_query(path, kept[-1], limit)}>; rel="next"'
    return LineStream([entry_line(visible) for visible in kept], None, headers)


async def _first(entries: AsyncIterator[VisibleEntry], limit: int) -> tuple[list[VisibleEntry], bool]:
    """The first `limit` entries, and whether there are more."""
    kept: list[VisibleEntry] = []
    async for visible in entries:
        if len(kept) == limit:
            return kept, True
        kept.append(visible)
    return kept, False


async def _lines(entries: AsyncIterator[VisibleEntry]) -> AsyncIterator[bytes]:
    async for visible in entries:
        yield entry_line(visible)
