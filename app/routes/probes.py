"""Answers of probes and metrics: for machines that watch, never for the log."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable, Sequence
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


class Look(NamedTuple):
    """What is known of one site.

    Attributes:
        site: its name; empty where there is only one.
        health: of its storage.
        can_answer: whether it can be answered for, if only from memory.
    """

    site: str
    health: Health
    can_answer: bool

    @property
    def status(self) -> dict[str, object]:
        """The same as JSON."""
        health = self.health
        if not self.can_answer:
            return {"status": "not-ready", "reason": _storage_down(health).reason}
        status: dict[str, object] = {"status": "ready" if health.is_well else "degraded"}
        if health.failure:
            status["reason"] = health.failure
        if health.unreachable:
            status["unreachable"] = list(health.unreachable)
        return status


class WatchedSite(NamedTuple):
    """Attributes:
    name: of the site; empty where there is only one.
    health: of its storage.
    is_warm: whether any worker of this replica could answer for it from memory alone.
    """

    name: str
    health: StorageHealth
    is_warm: Callable[[], bool]

    async def look(self) -> Look:
        """What is known of it now."""
        health = await self.health.look()
        return Look(self.name, health, not health.is_down or self.is_warm())


class Probes:
    """Answers those who watch.

    Args:
        sites: those of this server; at least one by the first request.
        is_warming: whether any worker still reads what it was told to read before it is ready.
        drain: of this server.
        metrics: to be shown.
    """

    def __init__(
        self,
        sites: Sequence[WatchedSite],
        is_warming: Callable[[], bool],
        drain: Drain,
        metrics: Metrics,
    ) -> None:
        self._sites = sites
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
        """The same, for those who have a replica with another storage: memory is not enough, for no site."""
        found = await self._look()
        if not isinstance(found, Obstacle):
            down = next((look.health for look in found if look.health.is_down), None)
            found = found if down is None else _storage_down(down)
        return _readiness(found)

    async def _look(self) -> Sequence[Look] | Obstacle:
        """What is known of the sites, or why this replica is not ready. Notes which, for the metrics."""
        found = await self._looks_or_obstacle()
        self._metrics.ready.set(not isinstance(found, Obstacle))
        return found

    async def _looks_or_obstacle(self) -> Sequence[Look] | Obstacle:
        if self._drain.has_begun:
            return Obstacle("the server is about to stop", "draining")
        if self._is_warming():
            return Obstacle("the server reads its top folders first", "warming")
        looks = await gather(*(site.look() for site in self._sites))
        # Other replicas miss the same bucket: were all of them not ready, the sites that are well would be gone as well.
        return looks if any(look.can_answer for look in looks) else _storage_down(looks[0].health)

    async def storage(self) -> dict[str, object]:
        """What is known of the storage."""
        found = await gather(*(site.health.look() for site in self._sites))
        if len(found) == 1:
            return _known(found[0])
        return {
            "is_down": all(health.is_down for health in found),
            "sites": {site.name: _known(health) for site, health in zip(self._sites, found, strict=True)},
        }

    async def figures(self) -> Response:
        """All metrics. What they say of the storage and of readiness is of this moment."""
        await gather(*(site.health.look() for site in self._sites))
        await self._look()
        return Response(self._metrics.render(), headers={**NOT_STORED, "Content-Type": CONTENT_TYPE_LATEST})


def _storage_down(health: Health) -> Obstacle:
    return Obstacle(health.failure or "the storage has answered again for a few seconds only", "not-ready")


def _readiness(found: Sequence[Look] | Obstacle) -> Response:
    if isinstance(found, Obstacle):
        return problem_response(503, "Not ready", found.reason, found.code)
    are_well = all(look.health.is_well for look in found)
    if len(found) == 1:
        answer = _json(found[0].status)
    else:
        of_sites = {look.site: look.status for look in found}
        answer = _json({"status": "ready" if are_well else "degraded", "sites": of_sites})
    if not are_well:
        answer.headers[STATE] = "degraded"
    return answer


def _known(health: Health) -> dict[str, object]:
    return {
        "is_down": health.is_down,
        "failure": health.failure or None,
        "unreachable": list(health.unreachable),
    }


def _json(body: dict[str, object]) -> Response:
    return Response(json_bytes(body), headers=NOT_STORED, media_type="application/json")
