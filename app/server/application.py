"""Puts the rooms of this floor together into one ASGI application."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.domain.errors import PierheadError
from app.responses.problems import internal_error, problem_response
from app.routes.errors import ErrorAnswers
from app.routes.health import build_health_router
from app.routes.invalidate import build_invalidate_router
from app.routes.legacy_api import build_listing_router
from app.routes.licence import build_licence_router
from app.routes.manifest import build_manifest_router
from app.routes.openapi import describe_tree
from app.routes.services import Services
from app.routes.static import build_static_router
from app.routes.tree import TreeApp
from app.server.fast_lookup import FromMemory
from app.server.fast_redirects import WarmRedirects
from app.server.fast_request import WarmPages
from app.server.front_door import FrontDoor, is_host, is_reserved


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
    builders = (
        build_health_router,
        build_listing_router,
        build_manifest_router,
        build_invalidate_router,
        build_licence_router,
        build_static_router,
    )
    routers = [build(services) for build in builders]
    for router in routers:
        reserved.include_router(router)
    describe_tree(reserved)

    @reserved.exception_handler(PierheadError)
    async def answer_domain_error(request: Request, error: PierheadError) -> Response:
        if request.scope["path"].startswith("/api/"):
            return errors.problem(request, error)
        return errors.answer(request, error)

    @reserved.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> Response:
        slug = "method-not-allowed" if error.status_code == 405 else "not-found"
        answer = problem_response(error.status_code, str(error.detail), "no such page or method here", slug)
        answer.headers.update(error.headers or {})
        if error.status_code == 405 and (allowed := _allowed(request, routers)):
            answer.headers["Allow"] = allowed
        return answer

    @reserved.exception_handler(Exception)
    async def answer_slip(request: Request, error: Exception) -> Response:
        # The framework raises the error again for the front door to log.
        return internal_error()

    return FrontDoor(
        TreeApp(services, errors),
        _HeadAsGet(reserved),
        warm=FromMemory(
            WarmPages(services, is_reserved=is_reserved, is_host=is_host),
            WarmRedirects(services, is_reserved=is_reserved, is_host=is_host),
        ),
        metrics=services.metrics,
        access_log=services.access_log,
        replica_id=services.replica_id,
    )


def _allowed(request: Request, routers: Sequence[APIRouter]) -> str | None:
    """Every method of a path, where the framework names those of its first route only."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in matching for method in route.methods or ()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()))) or None


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
