"""What the operator's own listener answers. Whoever reaches it may see all of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app.pages.json_bytes import json_bytes
from app.responses.caching import NOT_STORED
from app.responses.headers import shared_headers
from app.responses.problems import INTERNAL_ERROR, problem_response
from app.routes.probes import Probes


def build_admin_app(probes: Probes, state: Callable[[], dict[str, Any]], replica_id: str) -> ASGIApp:
    """The probes, `/metrics` and `/-/state`.

    Args:
        state: what `/-/state` shows beside what is known of the storage; it has no secrets.
        replica_id: named in every answer.
    """

    async def show_state() -> Response:
        shown = {**state(), "storage": await probes.storage()}
        return Response(json_bytes(shown), headers=NOT_STORED, media_type="application/json")

    def answering(answer: Callable[[], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            del request
            response = await answer()
            response.headers.update(shared_headers(replica_id))
            return response

        return endpoint

    answers = {
        "/healthz": probes.alive,
        "/readyz": probes.ready,
        "/readyz/storage": probes.ready_with_storage,
        "/metrics": probes.figures,
        "/-/state": show_state,
    }
    app = Starlette(
        routes=[Route(path, answering(answer)) for path, answer in answers.items()],
        exception_handlers={HTTPException: _answer_http_error, Exception: _answer_slip},
    )
    app.router.redirect_slashes = False
    return app


async def _answer_http_error(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    detail = "the admin listener has /healthz, /readyz, /metrics and /-/state, to be read with GET"
    answer = problem_response(error.status_code, str(error.detail), detail, "not-found")
    answer.headers.update(error.headers or {})
    return answer


async def _answer_slip(request: Request, error: Exception) -> Response:
    del request, error
    return problem_response(*INTERNAL_ERROR)
