"""Probes and metrics on the public port."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import MetricsForbidden
from app.responses.problems import problem_answers
from app.responses.requester import Requester
from app.routes.probes import Probes


def build_health_router(probes: Probes, requester: Requester) -> APIRouter:
    """The probes of the public port, and `/metrics` for trusted networks."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz(request: Request) -> Response:
        """The process runs."""
        return await probes.alive()

    @router.get("/readyz", responses=problem_answers(503))
    async def readyz(request: Request) -> Response:
        """Requests are welcome here."""
        return await probes.ready()

    @router.get("/readyz/storage", name="readyz", responses=problem_answers(503))
    async def readyz_storage(request: Request) -> Response:
        """The same, and the storage answers: for replicas that each have a storage of their own."""
        return await probes.ready_with_storage()

    @router.get("/metrics", name="metrics", include_in_schema=False)
    async def show_metrics(request: Request) -> Response:
        if not requester.may_see_metrics(request):
            raise MetricsForbidden
        return await probes.figures()

    return router
