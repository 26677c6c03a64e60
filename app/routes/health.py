"""Probes and metrics, for monitoring. They are not logged."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import StoreError
from app.pages.json_bytes import json_bytes
from app.responses.caching import NOT_STORED
from app.responses.problems import problem_answers, problem_response
from app.responses.requester import Requester
from app.storage.store import ObjectStore
from app.telemetry import Metrics

READY_SECONDS: Final = 1.0
"""Seconds that the result of a check is reused, so that many probes cost the store one call a second."""
READY_TIMEOUT: Final = 3.0


class StoreState(NamedTuple):
    """Attributes:
    reason: why the server is not ready, or None.
    unreachable: stores that do not answer, while the others suffice.
    """

    reason: str | None = None
    unreachable: tuple[str, ...] = ()


class Readiness:
    """Checks whether the store can be reached, at most once a second."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._checked = -READY_SECONDS
        self._found = StoreState()

    async def look(self) -> StoreState:
        """The result of the last check, or of a new one."""
        async with self._lock:
            if time.monotonic() - self._checked >= READY_SECONDS:
                self._found = await self._look()
                self._checked = time.monotonic()
            return self._found

    async def _look(self) -> StoreState:
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                return StoreState(unreachable=await self._store.check())
        except TimeoutError:
            return StoreState(f"the storage did not answer within {READY_TIMEOUT:g} seconds")
        except StoreError as error:
            return StoreState(str(error))


def build_health_router(store: ObjectStore, metrics: Metrics, requester: Requester) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(tags=["operations"])
    readiness = Readiness(store)

    @router.get("/healthz")
    async def healthz(request: Request) -> Response:
        """The process runs. Makes no calls."""
        return Response(json_bytes({"status": "ok"}), headers=NOT_STORED, media_type="application/json")

    @router.get("/readyz", responses=problem_answers(503))
    async def readyz(request: Request) -> Response:
        """The storage can be reached, so the server is ready for requests."""
        found = await readiness.look()
        if found.reason is not None:
            return problem_response(503, "Not ready", found.reason, "not-ready")
        status: dict[str, object] = {"status": "ready"}
        if found.unreachable:
            status["unreachable"] = list(found.unreachable)
        return Response(json_bytes(status), headers=NOT_STORED, media_type="application/json")

    @router.get("/metrics", name="metrics", include_in_schema=False)
    async def show_metrics(request: Request) -> Response:
        if not requester.may_see_metrics(request):
            detail = "metrics are for this host and trusted networks"
            return problem_response(403, "Forbidden", detail, "metrics-forbidden")
        return Response(metrics.render(), headers={**NOT_STORED, "Content-Type": CONTENT_TYPE_LATEST})

    return router
