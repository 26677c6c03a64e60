"""Everything below a folder in one answer: `?recursive=true`, and `/api/v1/manifest/PATH`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, Literal, NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.domain.access import Principal, VisibleEntry
from app.domain.entries import File
from app.domain.errors import BadParameter, Moved, NotFound
from app.domain.paths import ArtifactPath
from app.pages.checksum_list import checksum_line, left_out_line, left_out_total
from app.pages.formats import iso_text
from app.pages.json_lists import entry_line
from app.pages.links import next_walk_query
from app.routes.folder_pages import MEDIA_TYPES
from app.routes.listing_api import TreePath, tree_path
from app.routes.query import MAX_LIMIT, Query
from app.routes.responses import LISTING_VARY, cache_control, problem_answers, rendered
from app.routes.services import Services, record_of
from app.routes.streams import LineStream
from app.storage.store import ObjectStore

PREFIX: Final = "/api/v1/manifest"
CHECKSUMS_AT_ONCE: Final = 16
"""Most files of one list whose checksums are asked for at the same time."""
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
    """

    path: ArtifactPath
    principal: Principal
    form: Form
    fields: Mapping[str, str]
    limit: int | None
    after: str | None


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
        fields = {} if query.text("format") is None else {"format": form}
        limit, after = query.number("limit", MAX_LIMIT), query.text("after")
        try:
            return await answer_subtree(
                request, Subtree(folder, principal, form, fields, limit, after), services
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
        if asked.form == "ndjson":
            async for visible in entries:
                yield entry_line(visible)
            return
        left_out = 0
        async for some in _batches(entries, CHECKSUMS_AT_ONCE):
            for visible, checksum in zip(some, await _checksums(some, asked.principal, store), strict=True):
                if checksum.digest is not None:
                    yield checksum_line(checksum.digest, visible, asked.path)
                else:
                    left_out += 1
                    yield left_out_line(checksum.reason, visible, asked.path)
        if left_out:
            yield left_out_total(left_out)


async def _batches(entries: Entries, size: int) -> AsyncGenerator[list[VisibleEntry], None]:
    """Files that the asker can know of as more than a name, a few at a time."""
    batch: list[VisibleEntry] = []
    async for visible in entries:
        if visible.entry.is_folder or visible.locked:
            continue
        batch.append(visible)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class _Checksum(NamedTuple):
    """A digest in hex, or the reason why there is none."""

    digest: str | None
    reason: str = ""


async def _checksums(
    files: Iterable[VisibleEntry], principal: Principal, store: ObjectStore
) -> list[_Checksum]:
    async def of(visible: VisibleEntry) -> _Checksum:
        if not visible.is_open_to(principal):
            return _Checksum(None, NOT_OPEN)
        return _Checksum(await _stored_sha256(visible, store), NO_CHECKSUM)

    return await asyncio.gather(*map(of, files))


async def _stored_sha256(visible: VisibleEntry, store: ObjectStore) -> str | None:
    """In hex; None where none was stored, or where the file is gone by now."""
    try:
        info = await store.head(visible.path)
    except (NotFound, Moved):
        return None
    # Of the very file that was judged: one that has taken its place since may be under other rules.
    if not isinstance(visible.entry, File) or info.e_tag != visible.entry.e_tag:
        return None
    return next((digest.value.hex() for digest in info.digests if digest.algorithm == "sha-256"), None)
