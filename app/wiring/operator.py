"""What the operator sees of a server: its probes, and its state."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from app import __version__
from app.auth.keys import KeyRing
from app.cache.byte_cache import ByteCache
from app.catalog import Catalog
from app.config import Settings, is_secret, masked
from app.domain.lifetime import Lifetime
from app.pages.formats import iso_text
from app.routes.probes import Probes
from app.server.late import LateApplication
from app.storage.health import Health, StorageHealth
from app.storage.store import ObjectStore
from app.telemetry import Metrics, WorkerStates
from app.wiring.catalog import meeting_place
from app.wiring.late import late_admin


class Operating(NamedTuple):
    """Attributes:
    probes: for both listeners.
    admin: the application of the operator's own.
    states: of all workers.
    """

    probes: Probes
    admin: LateApplication
    states: WorkerStates


class OperatorWiring:
    """Builds it.

    Args:
        settings: checked.
        sources: for each setting, where its value came from.
        keys: those that sign.
        lifetime: of this process.
    """

    def __init__(
        self, settings: Settings, sources: Mapping[str, str], keys: KeyRing, lifetime: Lifetime
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._keys = keys
        self._lifetime = lifetime

    def open(
        self,
        store: ObjectStore,
        metrics: Metrics,
        catalog: Catalog,
        held: ByteCache,
        age_clock: Callable[[], float],
    ) -> Operating:
        """Make what watches one server.

        Args:
            held: the cache.
            age_clock: seconds; never goes back.
        """

        def note(health: Health) -> None:
            metrics.degraded.set(not health.is_well)

        drain = self._lifetime.drain
        drain.note = lambda: metrics.draining.set(1)
        metrics.build.labels(__version__, self._settings.replica_id).set(1)
        directory = meeting_place()
        states = WorkerStates(directory, lambda: self._of_worker(metrics, catalog, held))
        health = StorageHealth(store, directory, note=note, clock=age_clock)
        probes = Probes(
            health,
            lambda: any(state["cache"]["is_warm"] for state in states.all()),
            lambda: any(state["warming"] for state in states.all()),
            drain,
            metrics,
        )
        admin = late_admin(probes, lambda: self._of_replica(states), self._settings.replica_id)
        return Operating(probes, admin, states)

    def _of_worker(self, metrics: Metrics, catalog: Catalog, held: ByteCache) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "started": iso_text(self._lifetime.started),
            "draining": self._lifetime.drain.has_begun,
            "warming": self._lifetime.is_warming,
            "reload": self._last_reload(),
            "cache": {
                "is_warm": catalog.folders.is_warm,
                "values": len(held),
                "bytes": held.bytes_held,
                "max_bytes": self._settings.cache_bytes,
            },
            "stores": [
                {"name": name, "circuit": "open" if is_open else "closed"}
                for name, is_open in metrics.open_circuits.items()
            ],
        }

    def _of_replica(self, states: WorkerStates) -> dict[str, Any]:
        workers = states.all()
        return {
            "version": __version__,
            "replica": self._settings.replica_id,
            "started": iso_text(self._lifetime.started),
            "uptime_seconds": int(self._lifetime.seconds),
            "draining": self._lifetime.drain.has_begun,
            "workers": workers,
            "keys": [{"signs": place == 0, "ids": ids} for place, ids in enumerate(self._keys.names())],
            "settings": {name: self._shown(name, text) for name, text in masked(self._settings).items()},
        }

    def _last_reload(self) -> dict[str, Any] | None:
        last = self._lifetime.reload
        return None if last is None else last._asdict() | {"at": iso_text(last.at)}

    def _shown(self, name: str, text: str) -> dict[str, Any]:
        shown = {"is_set": bool(text)} if is_secret(name) else {"value": text}
        return {**shown, "source": self._sources.get(name, "default")}
