"""Everything that is not a reserved path: the published tree itself."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import PierheadError
from app.domain.paths import ArtifactPath
from app.responses.problems import problem_response
from app.responses.record import record_of
from app.responses.requester import Requester
from app.routes.errors import ErrorAnswers
from app.routes.file import FileRoute
from app.routes.folder import FolderRoute
from app.routes.parameters import Query

METHODS: Final = ("GET", "HEAD")

_KEY_IS_GONE: Final = "keys in the query have given way to tokens: send one as 'Authorization: Bearer TOKEN'"
_UPLOAD_IS_GONE: Final = "files are no longer uploaded by posting a form to their path"


class TreeApp:
    """ASGI application for the tree: parses the path once, then browses a folder or hands out a file."""

    def __init__(
        self, folders: FolderRoute, files: FileRoute, requester: Requester, errors: ErrorAnswers
    ) -> None:
        self._folders = folders
        self._files = files
        self._requester = requester
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        record = record_of(request)
        record.route = "tree"
        if request.method not in METHODS:
            return _method_not_allowed(request)
        path = None
        try:
            if (parsed := record.parsed) is None:
                path = ArtifactPath.parse(request.scope["raw_path"])
                if Query(request).text("key") is not None:
                    return problem_response(410, "Gone", _KEY_IS_GONE, "key-gone")
                parsed = self._requester.parse(request, path)
            path = parsed.path
            if path.is_folder:
                return await self._folders.answer(request, parsed)
            return await self._files.answer(request, path, parsed.identity.principal)
        except PierheadError as error:
            return self._errors.answer(request, error, path)


def _method_not_allowed(request: Request) -> Response:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return problem_response(410, "Gone", _UPLOAD_IS_GONE, "upload-gone")
    detail = f"the tree is read with {' or '.join(METHODS)}"
    answer = problem_response(405, "Method not allowed", detail, "method-not-allowed")
    answer.headers["Allow"] = ", ".join(METHODS)
    return answer
