"""Everything below a folder in one answer: `?recursive=true`, and `/api/v1/manifest/PATH`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, Literal, NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.catalog.stored_digests import Described, with_digests
from app.domain.access import Principal, VisibleEntry
from app.domain.errors import BadParameter, Moved
from app.domain.paths import ArtifactPath
from app.pages.checksum_list import checksum_line, left_out_line, left_out_total
from app.pages.formats import iso_text
from app.pages.links import next_walk_query
from app.pages.representations import entry_line
from app.responses.folder_listing import MEDIA_TYPES
from app.responses.line_stream import LineStream
from app.responses.problems import LISTING_VARY, cache_control, problem_answers, rendered
from app.responses.record import record_of
from app.routes.legacy_api import TreePath, tree_path
from app.routes.parameters import MAX_LIMIT, Query
from app.routes.services import Services
from app.storage.store import ObjectStore

PREFIX: Final = "/api/v1/manifest"
NO_CHECKSUM: Final = "no checksum is stored"
NOT_OPEN: Final = "not open to you"

Form = Literal["ndjson", "text"]
Entries = AsyncGenerator[VisibleEntry, None]

_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": ["ndjson", "text"]},
        "description": "`ndjson` (the default), or stored SHA-256 checksums as `sha256sum --check` reads them.",
    },
    {
        "name": "digests",
        "in": "query",
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "With `true`, lines of `ndjson` have the digests that are stored with each file.",
    },
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}},
    {
        "name": "after",
        "in": "query",
        "schema": {"type": "string", "minLength": 1},
        "description": "Begin behind this path below the folder, with a `/` if it is a folder's.",
    },
]


class Subtree(NamedTuple):
    """What is asked for.

    Attributes:
        path: the folder.
        principal: who asks.
        form: how it is to be written.
        fields: of the query, such that a link with them asks for the same.
        limit: most entries; None for all.
        after: the path below the folder behind which to begin, or None.
        digests: whether lines of ndjson have the digests that are stored with the files.
    """

    path: ArtifactPath
    principal: Principal
    form: Form
    fields: Mapping[str, str]
    limit: int | None
    after: str | None
    digests: bool = False


def build_manifest_router(services: Services) -> APIRouter:
    """The route below `/api/v1/manifest`."""
    router = APIRouter(prefix=PREFIX, tags=["listing"])
    answers: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "Everything below the folder, in byte order of the paths.",
            "content": {MEDIA_TYPES[form].partition(";")[0]: {} for form in ("ndjson", "text")},
        },
        302: {"description": "A link: the manifest of where it leads."},
        304: {"description": "The client has this page already."},
        **problem_answers(400, 401, 403, 404, 414, 502, 503),
    }

    @router.get("", include_in_schema=False)
    async def manifest_of_all(request: Request) -> Response:
        return await manifest(request, "")

    @router.get(
        "/{path:path}",
        response_class=Response,
        responses=answers,
        openapi_extra={"parameters": _PARAMETERS},
    )
    async def manifest(request: Request, path: TreePath) -> Response:
        """Everything below a folder."""
        record_of(request).route = "manifest"
        principal = services.identify(request)
        folder = tree_path(request, PREFIX).as_folder
        query = Query(request)
        form: Form = "text" if query.choice("format", ("ndjson", "text")) == "text" else "ndjson"
        digests = query.flag("digests")
        fields: dict[str, str] = {} if query.text("format") is None else {"format": form}
        if digests:
            fields["digests"] = "true"
        limit, after = query.number("limit", MAX_LIMIT), query.text("after")
        try:
            return await answer_subtree(
                request, Subtree(folder, principal, form, fields, limit, after, digests), services
            )
        except Moved as moved:
            search = f"?{request.url.query}" if request.url.query else ""
            location = f"{PREFIX}{moved.target.url}{search}"
            return Response(None, 302, {"Location": location, "Cache-Control": "no-store"})

    return router


async def answer_subtree(request: Request, asked: Subtree, services: Services) -> Response:
    """A page where a limit is given, and otherwise a stream: all of it, or the connection breaks.

    Raises:
        BadParameter: `after` is no path, or the client speaks HTTP/1.0.
        As `Catalog.walk` before the first entry.
    """
    if request.scope["http_version"] == "1.0":
        # It has no chunks, so that a stream that broke off would look like a whole one.
        raise BadParameter("a list of a whole subtree", "asked for by HTTP/1.1 or later")
    as_of = {"X-Pierhead-As-Of": iso_text(services.clock()) or ""}
    entries = services.catalog.walk(asked.path, asked.principal, asked.after)
    if asked.limit is not None:
        return await _page(request, asked, entries, asked.limit, services.store, as_of)
    headers = {
        "Content-Type": MEDIA_TYPES[asked.form],
        "Cache-Control": cache_control(asked.principal),
        "Vary": LISTING_VARY,
        **as_of,
    }
    lines = _lines(asked, entries, services.store)
    stream = await LineStream.start(lines, headers)
    if record_of(request).is_head:
        await lines.aclose()
        return Response(None, 200, headers)
    return stream


async def _page(
    request: Request,
    asked: Subtree,
    entries: Entries,
    limit: int,
    store: ObjectStore,
    headers: dict[str, str],
) -> Response:
    kept: list[VisibleEntry] = []
    is_cut = False
    async with aclosing(entries):
        async for visible in entries:
            if len(kept) == limit:
                is_cut = True
                break
            kept.append(visible)
    link = ""
    if is_cut:
        link = f'<{next_walk_query(asked.path, kept[-1], limit, asked.fields)}>; rel="next"'
        headers["Link"] = link
    body = b"".join([line async for line in _lines(asked, _given(kept), store)])
    return rendered(request, body, MEDIA_TYPES[asked.form], asked.principal, headers, also_validated=link)


async def _given(entries: Iterable[VisibleEntry]) -> Entries:
    for visible in entries:
        yield visible


async def _lines(asked: Subtree, entries: Entries, store: ObjectStore) -> AsyncGenerator[bytes, None]:
    """What is written of each entry."""
    async with aclosing(entries):
        if asked.form == "ndjson" and not asked.digests:
            async for visible in entries:
                yield entry_line(visible)
            return
        async with aclosing(with_digests(entries, asked.principal, store)) as described:
            lines = (
                _checksum_lines(described, asked.path) if asked.form == "text" else _ndjson_lines(described)
            )
            async for line in lines:
                yield line


async def _ndjson_lines(entries: AsyncGenerator[Described, None]) -> AsyncGenerator[bytes, None]:
    async for visible, digests in entries:
        yield entry_line(visible, digests)


async def _checksum_lines(
    entries: AsyncGenerator[Described, None], root: ArtifactPath
) -> AsyncGenerator[bytes, None]:
    left_out = 0
    async for visible, digests in entries:
        if visible.entry.is_folder or visible.locked:
            continue
        sha256 = next((d.value.hex() for d in digests or () if d.algorithm == "sha-256"), None)
        if sha256 is not None:
            yield checksum_line(sha256, visible, root)
        else:
            left_out += 1
            yield left_out_line(NOT_OPEN if digests is None else NO_CHECKSUM, visible, root)
    if left_out:
        yield left_out_total(left_out)
