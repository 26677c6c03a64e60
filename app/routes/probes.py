"""Answers of probes and metrics: for machines that watch, never for the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from app.domain.drain import Drain
from app.pages.json_bytes import json_bytes
from app.responses.caching import NOT_STORED
from app.responses.problems import problem_response
from app.storage.health import Health, StorageHealth
from app.telemetry import Metrics

STATE: Final = "X-Pierhead-State"


class Obstacle(NamedTuple):
    """Why a replica is not ready: in words, and as the code of a problem."""

    reason: str
    code: str


class Probes:
    """Answers those who watch.

    Args:
        health: of the storage.
        is_warm: whether any worker of this replica could answer from memory alone.
        is_warming: whether any still reads what it was told to read before it is ready.
        drain: of this server.
        metrics: to be shown.
    """

    def __init__(
        self,
        health: StorageHealth,
        is_warm: Callable[[], bool],
        is_warming: Callable[[], bool],
        drain: Drain,
        metrics: Metrics,
    ) -> None:
        self._health = health
        self._is_warm = is_warm
        self._is_warming = is_warming
        self._drain = drain
        self._metrics = metrics

    async def alive(self) -> Response:
        """The process runs. Asks nothing of anybody."""
        return _json({"status": "ok"})

    async def ready(self) -> Response:
        """Whether this replica is worth a client: it can answer, if only from memory, and is not about to stop."""
        return _readiness(await self._look())

    async def ready_with_storage(self) -> Response:
        """The same, for those who have a replica with another storage: memory is not enough."""
        found = await self._look()
        if isinstance(found, Health) and found.is_down:
            found = _storage_down(found)
        return _readiness(found)

    async def _look(self) -> Health | Obstacle:
        """What is known of the storage, or why this replica is not ready. Notes which, for the metrics."""
        found = await self._health_or_obstacle()
        self._metrics.ready.set(not isinstance(found, Obstacle))
        return found

    async def _health_or_obstacle(self) -> Health | Obstacle:
        if self._drain.has_begun:
            return Obstacle("the server is about to stop", "draining")
        if self._is_warming():
            return Obstacle("the server reads its top folders first", "warming")
        health = await self._health.look()
        if health.is_down and not self._is_warm():
            return _storage_down(health)
        return health

    async def storage(self) -> dict[str, object]:
        """What is known of the storage."""
        health = await self._health.look()
        return {
            "is_down": health.is_down,
            "failure": health.failure or None,
            "unreachable": list(health.unreachable),
        }

    async def figures(self) -> Response:
        """All metrics. What they say of the storage and of readiness is of this moment."""
        await self._health.look()
        await self._look()
        return Response(self._metrics.render(), headers={**NOT_STORED, "Content-Type": CONTENT_TYPE_LATEST})


def _storage_down(health: Health) -> Obstacle:
    return Obstacle(health.failure or "the storage has answered again for a few seconds only", "not-ready")


def _readiness(found: Health | Obstacle) -> Response:
    if isinstance(found, Obstacle):
        return problem_response(503, "Not ready", found.reason, found.code)
    answer = _json(_status(found))
    if not found.is_well:
        answer.headers[STATE] = "degraded"
    return answer


def _status(health: Health) -> dict[str, object]:
    status: dict[str, object] = {"status": "ready" if health.is_well else "degraded"}
    if health.failure:
        status["reason"] = health.failure
    if health.unreachable:
        status["unreachable"] = list(health.unreachable)
    return status


def _json(body: dict[str, object]) -> Response:
    return Response(json_bytes(body), headers=NOT_STORED, media_type="application/json")
