"""Puts the routes of the reserved paths together into one ASGI application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.domain.errors import PierheadError
from app.domain.reserved import RESERVED, is_reserved
from app.responses.problems import problem_response
from app.responses.record import CLIENT_GONE, record_of
from app.routes.audited import RequestAudit
from app.routes.errors import ErrorAnswers
from app.routes.limited import RequestLimits
from app.routes.openapi import describe_tree


def build_reserved(
    routers: Sequence[APIRouter], errors: ErrorAnswers, limits: RequestLimits, audit: RequestAudit
) -> ASGIApp:
    """The application that answers the reserved paths.

    Args:
        routers: answer them.
        errors: turn domain errors into answers.
        limits: count requests for absent paths.
        audit: notes refusals.

    Raises:
        ValueError: a router has a path that is not reserved: the tree would answer it.
    """
    reserved = _described_application(routers)
    _handle_errors(reserved, errors, limits, audit, routers)
    return _HeadAsGet(reserved)


def _described_application(routers: Sequence[APIRouter]) -> FastAPI:
    check_reserved(routers)
    reserved = FastAPI(
        title="Pierhead",
        version=__version__,
        summary="Browse, list and download published build artifacts.",
        openapi_url=None,  # `describe_tree` adds a route that knows of root paths
        docs_url=None,  # its pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(name_route)],
    )
    for router in routers:
        reserved.include_router(router)
    describe_tree(reserved)
    return reserved


def _handle_errors(
    reserved: FastAPI,
    errors: ErrorAnswers,
    limits: RequestLimits,
    audit: RequestAudit,
    routers: Sequence[APIRouter],
) -> None:
    @reserved.exception_handler(PierheadError)
    async def answer_domain_error(request: Request, error: PierheadError) -> Response:
        record_of(request).is_for_all = False
        error = await audit.error_after(request, limits.error_after(request, error))
        return errors.answer(request, error)

    @reserved.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> Response:
        slug = "method-not-allowed" if error.status_code == 405 else "not-found"
        title, detail = (
            str(error.detail).capitalize(),
            "there is no such page, or it does not take this method",
        )
        answer = errors.other(request, error.status_code, title, detail, slug)
        answer.headers.update(error.headers or {})
        if error.status_code == 405 and (allowed := _allowed(request, routers)):
            answer.headers["Allow"] = allowed
        return answer

    @reserved.exception_handler(ClientDisconnect)
    async def note_lost_body(request: Request, error: ClientDisconnect) -> Response:
        # Nobody receives this. In the log, it does not count as a failure of the server.
        record_of(request).ended = CLIENT_GONE
        return problem_response(
            408, "Request timeout", "the body did not arrive completely in time", "request-timeout"
        )

    @reserved.exception_handler(Exception)
    async def answer_slip(request: Request, error: Exception) -> Response:
        # The framework raises the error again, and the front door logs it.
        return errors.failure(request)


def check_reserved(routers: Sequence[APIRouter]) -> None:
    """Check that these routers answer the reserved paths, no others, so that the tree answers all others.

    Raises:
        ValueError: a path is not reserved, or nothing answers a reserved one.
    """
    paths = [route.path for router in routers for route in _routes_of(router)]
    if unanswered := RESERVED - {path.split("/")[1] for path in paths}:
        raise ValueError(
            f"in app/domain/reserved.py, and answered by no route: {', '.join(sorted(unanswered))}"
        )
    if missing := [path for path in paths if not is_reserved(path.split("/")[1])]:
        raise ValueError(f"not in app/domain/reserved.py: {', '.join(missing)}")


def _routes_of(router: APIRouter) -> Iterator[Route]:
    """The routes of a router and of the routers within it."""
    for route in router.routes:
        if isinstance(within := getattr(route, "original_router", None), APIRouter):
            yield from _routes_of(within)
        elif isinstance(route, Route):
            yield route


async def name_route(request: Request) -> None:
    """Label the request with the name of its route, for log and metrics."""
    record_of(request).route = request.scope["route"].name


def _allowed(request: Request, routers: Sequence[APIRouter]) -> str | None:
    """Every method of a path. The framework names only those of its first route."""
    routes = [route for router in routers for route in _routes_of(router)]
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
