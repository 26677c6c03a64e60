"""What the operator sees of a server: its probes, and its state."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from app import __version__
from app.auth.keys import KeyRing
from app.cache.byte_cache import ByteCache
from app.catalog import Catalog
from app.config import Settings, is_secret, masked
from app.domain.lifetime import Lifetime
from app.pages.formats import iso_text
from app.routes.probes import Probes, WatchedSite
from app.storage.health import Health, StorageHealth
from app.storage.store import ObjectStore
from app.telemetry import Metrics, WorkerStates
from app.wiring.late import late_admin
from app.wiring.meeting import meeting_place


class _Kept(NamedTuple):
    """What a site keeps in memory."""

    catalog: Catalog
    held: ByteCache
    max_bytes: int

    def state(self) -> dict[str, Any]:
        return {
            "is_warm": self.catalog.folders.is_warm,
            "values": len(self.held),
            "bytes": self.held.bytes_held,
            "max_bytes": self.max_bytes,
        }


class Operator:
    """Watches all sites of a process.

    Args:
        settings: of the process, checked.
        sources: for each setting, where its value came from.
        keys: those that sign.
        lifetime: of this process.
        metrics: of this process.
        clock: seconds; never goes back.

    Attributes:
        probes: for both listeners.
        admin: the application of the operator's own.
        states: of all workers.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Mapping[str, str],
        keys: KeyRing,
        lifetime: Lifetime,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._keys = keys
        self._lifetime = lifetime
        self._metrics = metrics
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._are_well: dict[str, bool] = {}
        self._watched: list[WatchedSite] = []
        drain = lifetime.drain
        drain.note = lambda: metrics.draining.set(1)
        metrics.build.labels(__version__, settings.replica_id).set(1)
        self.states = WorkerStates(meeting_place(), self._of_worker)
        self.probes = Probes(
            self._watched, lambda: any(state["warming"] for state in self.states.all()), drain, metrics
        )
        self.admin = late_admin(self.probes, lambda: self._of_replica(self.states), settings.replica_id)

    def watch(self, site: str, store: ObjectStore, catalog: Catalog, held: ByteCache, max_bytes: int) -> None:
        """Watch a site from now on.

        Args:
            site: its name; empty where there is only one.
            held: its cache.
            max_bytes: what that may take.
        """

        def note(health: Health) -> None:
            self._are_well[site] = health.is_well
            self._metrics.degraded.set(not all(self._are_well.values()))

        self._kept[site] = _Kept(catalog, held, max_bytes)
        health = StorageHealth(store, meeting_place(site), note=note, clock=self._clock)
        self._watched.append(WatchedSite(site, health, lambda: self._is_warm(site)))

    def _is_warm(self, site: str) -> bool:
        """Whether any worker could answer for a site from memory alone."""
        states = self.states.all()
        caches = (state["sites"].get(site, {}).get("cache") if site else state["cache"] for state in states)
        return any(cache is not None and cache["is_warm"] for cache in caches)

    def _of_worker(self) -> dict[str, Any]:
        self._metrics.note_until_now()  # once a second, as this is asked for
        caches = {site: kept.state() for site, kept in self._kept.items()}
        return {
            "pid": os.getpid(),
            "started": iso_text(self._lifetime.started),
            "draining": self._lifetime.drain.has_begun,
            "warming": self._lifetime.is_warming,
            "reload": self._last_reload(),
            "cache": {
                "is_warm": any(cache["is_warm"] for cache in caches.values()),
                **{name: sum(cache[name] for cache in caches.values()) for name in _SUMS},
            },
            "sites": {site: {"cache": cache} for site, cache in caches.items() if site},
            "stores": [
                {"name": name, "circuit": "open" if is_open else "closed"}
                for name, is_open in self._metrics.open_circuits.items()
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


_SUMS = ("values", "bytes", "max_bytes")
