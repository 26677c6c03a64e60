"""Everything that is not a reserved path: the published tree itself; and below `WHOLE_TREE`, all of it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.catalog.wildcards import is_wildcard
from app.domain.errors import Moved, PierheadError
from app.domain.mounts import mount_of
from app.domain.paths import ROOT, ArtifactPath
from app.responses.located import Located
from app.responses.parsed_request import ParsedRequest
from app.responses.record import record_of
from app.responses.requester import Requester
from app.routes.audited import RequestAudit
from app.routes.errors import ErrorAnswers
from app.routes.file import FileRoute
from app.routes.folder import FolderRoute
from app.routes.limited import RequestLimits
from app.routes.linked import LinkDoor, take_link
from app.routes.parameters import Query

METHODS: Final = ("GET", "HEAD")

_KEY_IS_GONE: Final = "keys in the query have given way to tokens: send one as 'Authorization: Bearer TOKEN'"
_UPLOAD_IS_GONE: Final = "files are no longer uploaded by posting a form to their path"


class TreeApp:
    """ASGI application for the tree: parses the path once, then shows a folder or sends a file.

    Args:
        redirects_links: whether a link redirects to its real path instead of being served in place.
    """

    def __init__(
        self,
        folders: FolderRoute,
        files: FileRoute,
        requester: Requester,
        links: LinkDoor,
        errors: ErrorAnswers,
        audit: RequestAudit,
        limits: RequestLimits,
        *,
        redirects_links: bool,
    ) -> None:
        self._folders = folders
        self._files = files
        self._requester = requester
        self._links = links
        self._errors = errors
        self._audit = audit
        self._limits = limits
        self._redirects_links = redirects_links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        record = record_of(request)
        record.route = "tree"
        if request.method not in METHODS:
            return self._method_not_allowed(request)
        path = None
        try:
            if (parsed := record.parsed) is None:
                raw: bytes = request.scope["raw_path"]
                mount = mount_of(raw, record.root_path)
                if raw == mount.prefix.encode("ascii"):
                    return self._errors.answer(request, Moved(ROOT), ROOT)
                path = mount.parse(raw)
                if Query(request).text("key") is not None:
                    return self._errors.other(request, 410, "Gone", _KEY_IS_GONE, "key-gone")
                request, link = take_link(request)
                parsed = await self._by_link(request, await self._requester.parse(request, path, mount), link)
            path = parsed.path
            await self._limits.admit(request)
            if is_wildcard(path.name):
                self._limits.count_wildcard(request)
            try:
                return await self._answer_at(request, parsed)
            except Moved as moved:
                return await self._elsewhere(request, parsed, moved.target)
        except PierheadError as error:
            return await self._answer_error(request, error, path)

    async def _elsewhere(self, request: Request, parsed: ParsedRequest, real: ArtifactPath) -> ASGIApp:
        """Answer for a path that is a link or below one, or that lacks its slash.

        The catalog names the real path only to principals who may know every folder on the way. The target is then
        judged by its own rules, as if it had been requested.
        """
        path = parsed.path
        if not path.is_folder and real.is_folder:
            return self._errors.answer(
                request, Moved(real if is_wildcard(path.name) else path.as_folder), path
            )
        is_above = path.segments[: len(real.segments)] == real.segments
        # Served in place, a link to a folder above it would be an endless tree.
        if self._redirects_links or is_above:
            return self._errors.answer(request, Moved(real), path)
        try:
            answer = await self._answer_at(request, parsed._replace(path=real))
        except Moved as moved:
            is_folder = moved.target == real.as_folder and not is_wildcard(path.name)
            return self._errors.answer(request, Moved(path.as_folder if is_folder else moved.target), path)
        except PierheadError as error:
            return await self._answer_error(request, error, real)
        return answer if isinstance(answer, Located) else Located(answer, real, parsed.mount)

    async def _by_link(self, request: Request, parsed: ParsedRequest, link: str | None) -> ParsedRequest:
        if link is None:
            return parsed
        principal = await self._links.admit(request, parsed.path, parsed.identity.principal, link)
        return parsed._replace(identity=parsed.identity._replace(principal=principal))

    async def _answer_error(
        self, request: Request, error: PierheadError, path: ArtifactPath | None
    ) -> ASGIApp:
        record_of(request).is_for_all = False
        error = await self._audit.error_after(request, self._limits.error_after(request, error))
        return self._errors.answer(request, error, path)

    async def _answer_at(self, request: Request, parsed: ParsedRequest) -> ASGIApp:
        route = self._folders if parsed.path.is_folder else self._files
        answer = await route.answer(request, parsed)
        if isinstance(answer, Located) or parsed.mount.url(parsed.path) == parsed.mount.site.url(parsed.path):
            return answer
        return Located(answer, parsed.path, parsed.mount)

    def _method_not_allowed(self, request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            return self._errors.other(request, 410, "Gone", _UPLOAD_IS_GONE, "upload-gone")
        detail = f"use {' or '.join(METHODS)}: files and folders are read-only"
        answer = self._errors.other(request, 405, "Method not allowed", detail, "method-not-allowed")
        answer.headers["Allow"] = ", ".join(METHODS)
        return answer
