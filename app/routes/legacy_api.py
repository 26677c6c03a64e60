"""`/api/ls` and `/api/license`: the JSON that scripts of older servers read."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from app.catalog import Catalog
from app.domain.access import Principal, VisibleEntry
from app.domain.errors import ImpossiblePath, Moved, NotFound
from app.domain.paths import ArtifactPath
from app.http_semantics import media_type_for
from app.pages.json_bytes import json_bytes
from app.pages.legacy_lists import license_object, ls_object
from app.responses.problems import problem_answers
from app.responses.rendered import rendered
from app.responses.requester import Requester

MAX_REDIRECTS: Final = 8
FOLDER_HAS_NO_LICENCE: Final = "License only shown for a single file."


class LsFile(BaseModel):
    """One file or folder."""

    name: str
    size: int | None = Field(description="Bytes; 0 for folders of S3; null where the entry is locked.", ge=0)
    type: str | None = Field(description="`folder`, a media type, or null where it is not known.")
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


def build_legacy_router(catalog: Catalog, requester: Requester) -> APIRouter:
    """Routes below `/api/ls` and `/api/license`."""
    router = APIRouter(prefix="/api", tags=["listing"])
    problems = problem_answers(401, 403, 404, 414, 502, 503)

    @router.get("/ls", name="api-ls", include_in_schema=False)
    async def ls_root(request: Request) -> Response:
        return await ls(request, "")

    @router.get("/ls/{path:path}", name="api-ls", response_model=LsAnswer, responses=problems)
    async def ls(request: Request, path: TreePath) -> Response:
        """List a folder, or one file."""
        principal = requester.identify(request)
        entries = await _entries(tree_path(request, "/api/ls"), principal, catalog)
        body = json_bytes(ls_object(entries, _bare_media_type))
        return rendered(request, body, "application/json", principal)

    @router.get("/license/{path:path}", name="api-license", response_model=LicenceAnswer, responses=problems)
    async def license_of(request: Request, path: TreePath) -> Response:
        """The licences that stand before one file."""
        principal = requester.identify(request)
        body = json_bytes(await _licences(tree_path(request, "/api/license"), principal, catalog))
        return rendered(request, body, "application/json", principal)

    return router


def tree_path(request: Request, prefix: str) -> ArtifactPath:
    """The part of the raw request path behind the prefix: the framework's own is decoded once too often."""
    raw: bytes = request.scope["raw_path"]
    below = raw.removeprefix(prefix.encode())
    if below == raw:
        raise ImpossiblePath("the prefix is written with escapes")
    return ArtifactPath.parse(below or b"/")


async def _entries(path: ArtifactPath, principal: Principal, catalog: Catalog) -> tuple[VisibleEntry, ...]:
    """A folder's entries, or one file; links are followed here, for old scripts do not follow redirects."""
    for _ in range(MAX_REDIRECTS):
        try:
            if path.is_folder:
                return await catalog.list_folder(path, principal)
            return (await catalog.look_up(path, principal),)
        except Moved as moved:
            path = moved.target
    raise NotFound


async def _licences(path: ArtifactPath, principal: Principal, catalog: Catalog) -> dict[str, object]:
    for _ in range(MAX_REDIRECTS):
        try:
            if path.is_folder:
                await catalog.list_folder(path, principal)
                return license_object(None, FOLDER_HAS_NO_LICENCE)
            return license_object(await catalog.licences_of(path, principal))
        except Moved as moved:
            path = moved.target
    raise NotFound


def _bare_media_type(name: str) -> str | None:
    """Without parameters; None where only the general type for unknown bytes is known."""
    media_type = media_type_for(name).partition(";")[0]
    return None if media_type == "application/octet-stream" else media_type
