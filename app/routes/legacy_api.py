"""`/api/ls` and `/api/license`: the JSON that scripts of older servers read."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from app.cache.response_cache import StoredResponse
from app.catalog import Catalog, FolderView
from app.domain.access import Principal, VisibleEntry
from app.domain.errors import ImpossiblePath, Moved, NotFound
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.http_semantics import choose_encoding, known_media_type
from app.pages.json_bytes import json_bytes
from app.pages.legacy_lists import license_object, ls_json
from app.responses.caching import kept_for
from app.responses.compression import ENCODINGS
from app.responses.folder_listing import LS, FolderPages, not_modified_headers
from app.responses.problems import problem_answers
from app.responses.record import note_for_all, record_of
from app.responses.rendered import is_not_modified, rendered
from app.responses.requester import Requester

MAX_REDIRECTS: Final = 8
FOLDER_HAS_NO_LICENCE: Final = "License only shown for a single file."


class LsFile(BaseModel):
    """One file or folder."""

    name: str
    size: int | None = Field(description="Bytes; 0 for folders of S3; null where the entry is locked.", ge=0)
    type: str | None = Field(description="`folder`, a media type, or null if it is not known.")
    mtime: float | None = Field(
        description="Seconds since the epoch, UTC; null where the storage has no time, or the entry is locked."
    )
    url: str = Field(description="Absolute path, percent-encoded; a folder's ends in `/`.")


class LsAnswer(BaseModel):
    """A folder's entries in listing order, or one file."""

    files: list[LsFile]


class LicenceText(BaseModel):
    """A licence that must be accepted."""

    text: str
    digest: str = Field(description="Lower-case hex MD5 of the text.", pattern="^[0-9a-f]{32}$")
    sha256: str = Field(description="Lower-case hex SHA-256 of the text.", pattern="^[0-9a-f]{64}$")
    name: str


class LicenceAnswer(BaseModel):
    """The licences before a file, or `Open`, or one string that begins with `ERROR:`."""

    licenses: list[LicenceText | str]


TreePath = Annotated[str, Path(description="Path below the root, percent-encoded.")]


def build_legacy_router(catalog: Catalog, pages: FolderPages, requester: Requester) -> APIRouter:
    """Routes below `/api/ls` and `/api/license`."""
    router = APIRouter(prefix="/api", tags=["listing"])
    problems = problem_answers(401, 403, 404, 414, 502, 503)

    @router.get("/ls", name="api-ls", include_in_schema=False)
    async def ls_root(request: Request) -> Response:
        return await ls(request, "")

    @router.get("/ls/{path:path}", name="api-ls", response_model=LsAnswer, responses=problems)
    async def ls(request: Request, path: TreePath) -> Response:
        """List a folder, or one file."""
        principal, mount = await requester.identify(request), Mount("", record_of(request).root_path)
        seen = await _seen(tree_path(request, "/api/ls"), principal, catalog, mount)
        note_for_all(request, principal)
        if isinstance(seen, FolderView):
            encoding = choose_encoding(request.headers.getlist("accept-encoding"), ENCODINGS)
            return _page(request, await pages.whole(seen, LS.name, encoding), principal)
        body = ls_json((seen,), known_media_type, mount)
        return await rendered(request, body, "application/json", principal)

    @router.get("/license/{path:path}", name="api-license", response_model=LicenceAnswer, responses=problems)
    async def license_of(request: Request, path: TreePath) -> Response:
        """The licences that stand before one file."""
        principal = await requester.identify(request)
        body = json_bytes(await _licences(tree_path(request, "/api/license"), principal, catalog))
        return await rendered(request, body, "application/json", principal)

    return router


def tree_path(request: Request, prefix: str) -> ArtifactPath:
    """The part of the raw request path behind the prefix: the framework's own is decoded once too often."""
    raw: bytes = request.scope["raw_path"]
    below = raw.removeprefix(prefix.encode())
    if below == raw:
        raise ImpossiblePath("the prefix is written with escapes")
    return ArtifactPath.parse(below or b"/")


def _page(request: Request, page: StoredResponse, principal: Principal) -> Response:
    """A folder's page as an answer of the framework."""
    is_known = is_not_modified(request, page.e_tag.decode("ascii").strip('"'))
    answer = Response(status_code=304 if is_known else 200)
    answer.body = b"" if is_known else page.body
    fields = not_modified_headers(page) if is_known else page.headers
    answer.raw_headers = list(fields)
    answer.headers.update(kept_for(principal))
    return answer


async def _seen(
    path: ArtifactPath, principal: Principal, catalog: Catalog, mount: Mount
) -> FolderView | VisibleEntry:
    """A folder, or one file. Links are followed here, because old scripts do not follow redirects."""
    for _ in range(MAX_REDIRECTS):
        try:
            if path.is_folder:
                return await catalog.view_folder(path, principal, mount=mount)
            return await catalog.look_up(path, principal)
        except Moved as moved:
            path = moved.target
    raise NotFound


async def _licences(path: ArtifactPath, principal: Principal, catalog: Catalog) -> dict[str, object]:
    for _ in range(MAX_REDIRECTS):
        try:
            if path.is_folder:
                await catalog.view_folder(path, principal)
                return license_object(None, FOLDER_HAS_NO_LICENCE)
            return license_object(await catalog.licences_of(path, principal))
        except Moved as moved:
            path = moved.target
    raise NotFound
