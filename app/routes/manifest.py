"""Everything below a folder in one answer: `?recursive=true`, and `/api/v1/manifest/PATH`."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import Moved
from app.domain.mounts import Mount
from app.domain.reserved import MANIFEST_PREFIX
from app.pages.representations import REPRESENTATIONS
from app.responses.caching import NOT_STORED
from app.responses.problems import problem_answers
from app.responses.record import note_for_all, record_of
from app.responses.redirects import redirect
from app.responses.requester import Requester
from app.responses.subtree_listing import LineForm, Subtree, SubtreeListing
from app.routes.legacy_api import TreePath, tree_path
from app.routes.parameters import MAX_LIMIT, Query

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

_OF_OTHER_LISTS: Final = ("sort", "order", "q", "sizes")


def build_manifest_router(subtrees: SubtreeListing, requester: Requester) -> APIRouter:
    """The route below `/api/v1/manifest`."""
    router = APIRouter(prefix=MANIFEST_PREFIX, tags=["listing"])
    answers: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "Everything below the folder, in byte order of the paths.",
            "content": {REPRESENTATIONS[form].bare_media_type: {} for form in ("ndjson", "text")},
        },
        302: {"description": "A link: the manifest of where it leads."},
        304: {"description": "The client has this page already."},
        **problem_answers(400, 401, 403, 404, 414, 502, 503),
    }

    @router.get("", name="manifest", include_in_schema=False)
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
        principal = await requester.identify(request)
        folder = tree_path(request, MANIFEST_PREFIX).as_folder
        query, mount = Query(request), Mount("", record_of(request).root_path)
        query.refuse_misspelt([parameter["name"] for parameter in _PARAMETERS])
        query.refuse(_OF_OTHER_LISTS, "left out: a manifest has everything below its folder, by path")
        form: LineForm = "text" if query.choice("format", ("ndjson", "text")) == "text" else "ndjson"
        digests = query.flag("digests")
        fields: dict[str, str] = {} if query.text("format") is None else {"format": form}
        if digests:
            fields["digests"] = "true"
        limit, after = query.number("limit", MAX_LIMIT), query.text("after")
        try:
            return await subtrees.answer(
                request, Subtree(folder, principal, form, fields, limit, after, digests, mount)
            )
        except Moved as moved:
            note_for_all(request, principal)
            search = f"?{request.url.query}" if request.url.query else ""
            location = f"{mount.root_path}{MANIFEST_PREFIX}{moved.target.url}{search}"
            return redirect(302, location, NOT_STORED)

    return router
