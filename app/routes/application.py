"""Puts the rooms of this floor together into one ASGI application."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.domain.errors import PierheadError
from app.routes.errors import ErrorAnswers
from app.routes.front import FrontDoor
from app.routes.health import build_health_router
from app.routes.licence import build_licence_router
from app.routes.listing_api import build_listing_router
from app.routes.openapi import describe_tree
from app.routes.responses import problem_response
from app.routes.services import Services
from app.routes.static import build_static_router
from app.routes.tree import TreeApp


def build_application(services: Services) -> FrontDoor:
    """Everything that answers HTTP.

    Args:
        services: what the routes use; open for as long as the application runs.
    """
    errors = ErrorAnswers(services.html, services.site)
    reserved = FastAPI(
        title="Pierhead",
        version=__version__,
        summary="Browse, list and download published build artifacts.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    for build in (build_health_router, build_listing_router, build_licence_router, build_static_router):
        reserved.include_router(build(services))
    describe_tree(reserved)

    @reserved.exception_handler(PierheadError)
    async def answer_domain_error(request: Request, error: PierheadError) -> Response:
        if request.url.path.startswith("/api/"):
            return errors.problem(request, error)
        return errors.answer(request, error)

    @reserved.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> Response:
        slug = "method-not-allowed" if error.status_code == 405 else "not-found"
        answer = problem_response(error.status_code, str(error.detail), "no such page or method here", slug)
        answer.headers.update(error.headers or {})
        if answer.headers.get("Allow") == "GET":
            answer.headers["Allow"] = "GET, HEAD"
        return answer

    tree = TreeApp(services, errors)
    return FrontDoor(tree, _HeadAsGet(reserved), metrics=services.metrics, replica_id=services.replica_id)


class _HeadAsGet:
    """HEAD is GET without the body (RFC 9110 section 9.3.2), which the front door leaves out.

    The framework's own routes answer it with 405.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
