"""Readiness of several sites: one dead bucket takes no other site away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from app.domain.drain import Drain
from app.domain.errors import StoreUnavailable
from app.routes.probes import Probes, WatchedSite
from app.storage.health import StorageHealth
from app.telemetry import Metrics
from tests.support.memory_store import MemoryStore


def probed(*, down: set[str], warm: set[str] = frozenset()) -> tuple[int, dict[str, Any], float | None]:  # type: ignore[assignment]
    """Status and body of `/readyz` of the sites `a` and `b`, and the metric."""
    sites = []
    for name in ("a", "b"):
        store = MemoryStore()
        if name in down:
            store.fail_on("check", StoreUnavailable("refused"))
        sites.append(WatchedSite(name, StorageHealth(store), lambda name=name: name in warm))  # type: ignore[misc]
    metrics = Metrics()
    answer = asyncio.run(Probes(sites, lambda: False, Drain(), metrics).ready())
    return (
        answer.status_code,
        json.loads(bytes(answer.body)),
        metrics.registry.get_sample_value("pierhead_ready"),
    )


def test_all_are_well() -> None:
    both = {"a": {"status": "ready"}, "b": {"status": "ready"}}
    assert probed(down=set()) == (200, {"status": "ready", "sites": both}, 1)


@pytest.mark.parametrize(("warm", "status"), [(set(), "not-ready"), ({"b"}, "degraded")])
def test_one_that_is_down_is_said_and_the_replica_stays(warm: set[str], status: str) -> None:
    code, body, ready = probed(down={"b"}, warm=warm)
    assert (code, body["status"], ready) == (200, "degraded", 1)
    assert body["sites"]["a"] == {"status": "ready"}
    assert body["sites"]["b"]["status"] == status
    assert "refused" in body["sites"]["b"]["reason"]


def test_with_none_left_it_is_not_ready() -> None:
    code, body, ready = probed(down={"a", "b"})
    assert (code, body["status"], ready) == (503, 503, 0)


def test_one_that_is_warm_is_enough() -> None:
    code, body, _ = probed(down={"a", "b"}, warm={"a"})
    assert (code, body["sites"]["a"]["status"], body["sites"]["b"]["status"]) == (
        200,
        "degraded",
        "not-ready",
    )
