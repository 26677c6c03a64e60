"""Metrics of requests, downloads, and calls to the storage."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from app.domain.lifetime import Reload
from app.telemetry.processes import AllProcesses, workers_in
from app.telemetry.tally import Tally

_log = structlog.get_logger(__name__)

_DIRECTORY_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_PAGE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DOWNLOAD_BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


class Metrics:
    """The process's metrics, in a registry of their own.

    Attributes:
        open_circuits: for each store, whether this process leaves it alone.

    With several workers, `PROMETHEUS_MULTIPROC_DIR` (set before this module is imported) makes every worker
    write where each can read, so that any of them answers for all.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.open_circuits: dict[str, bool] = {}
        self._process = CollectorRegistry()
        self._process.register(AllProcesses(_workers))
        self._processor_seconds = 0.0
        self._tallies: dict[tuple[str, int, str], Tally] = {}
        self.processor_time = Counter(
            "process_cpu_seconds",
            "Total user and system CPU time spent in seconds.",
            registry=self.registry,
        )
        self.pages = Histogram(
            "pierhead_page_duration_seconds",
            "Time from request to last byte of everything but downloads.",
            ("route", "status", "cache"),
            buckets=_PAGE_BUCKETS,
            registry=self.registry,
        )
        self.downloads = Histogram(
            "pierhead_download_duration_seconds",
            "Time from request to last byte of downloads that were sent to their end.",
            ("route", "status"),
            buckets=_DOWNLOAD_BUCKETS,
            registry=self.registry,
        )
        self.downloads_aborted = Counter(
            "pierhead_downloads_aborted",
            "Downloads that broke off before their last byte.",
            ("route", "cause"),
            registry=self.registry,
        )
        self.download_bytes = Counter(
            "pierhead_download_bytes",
            "Body bytes of downloads handed to the network.",
            ("route",),
            registry=self.registry,
        )
        self.log_lines_dropped = Counter(
            "pierhead_log_lines_dropped",
            "Log lines that could not be written, because the reader of the log has stalled or is gone.",
            registry=self.registry,
        )
        self.folders_closed = Counter(
            "pierhead_folders_closed",
            "Reads of a folder that nobody is let into, because its control files cannot be read or are wrong.",
            registry=self.registry,
        )
        self._add_storage()
        self._add_lifecycle()

    def _add_storage(self) -> None:
        self.storage_calls = Histogram(
            "pierhead_storage_call_duration_seconds",
            "Time of each call to the storage.",
            ("store", "operation", "outcome"),
            buckets=_PAGE_BUCKETS,
            registry=self.registry,
        )
        self.storage_events = Counter(
            "pierhead_storage_help",
            "Times that one store helped another out.",
            ("store", "event"),
            registry=self.registry,
        )
        self.storage_circuits = Gauge(
            "pierhead_storage_circuit_open",
            "1 while a store that failed too often is left alone, until one call is answered.",
            ("store",),
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )

    def _add_lifecycle(self) -> None:
        self.build = Gauge(
            "pierhead_build_info",
            "Always 1. Its labels say what runs here.",
            ("version", "replica"),
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self.ready = Gauge(
            "pierhead_ready",
            "1 while this replica is worth a client, as /readyz says.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.degraded = Gauge(
            "pierhead_degraded",
            "1 while the storage does not answer, or has not for long, as the last look at it found.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.draining = Gauge(
            "pierhead_draining",
            "1 from when the server was told to stop.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self.certificate_expires = Gauge(
            "pierhead_tls_certificate_expires_timestamp_seconds",
            "When the certificate in use ends, in seconds since the epoch; 0 without TLS.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self.reload_is_well = Gauge(
            "pierhead_last_reload_successful",
            "0 if the settings or the site policy could not be used when they were last read: the former ones stay.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )

    def observer_of(self, store: str) -> Callable[[str, str, float], None]:
        """See `app.storage.observation.StorageWatch`."""

        labelled = lru_cache(256)(partial(self.storage_calls.labels, store))
        is_shown = logging.getLogger(
            __name__
        ).isEnabledFor  # remembers its answer, unlike the logger above it

        def observe(operation: str, outcome: str, seconds: float) -> None:
            labelled(operation, outcome).observe(seconds)
            if is_shown(logging.DEBUG):
                _log.debug("storage_call", store=store, operation=operation, outcome=outcome, seconds=seconds)

        self.note_circuit(store, is_open=False)
        return observe

    def note(self, event: str, store: str) -> None:
        """See `app.storage.observation.StorageWatch`."""
        self.storage_events.labels(store, event).inc()

    def note_circuit(self, store: str, *, is_open: bool) -> None:
        """See `app.storage.observation.StorageWatch`."""
        self.storage_circuits.labels(store).set(is_open)
        self.open_circuits[store] = is_open

    def note_reload(self, reload: Reload | None) -> None:
        """Note the last attempt to read the settings again, if there was one."""
        self.reload_is_well.set(reload is None or not reload.faults)

    def tally(self, route: str, status: int, cache: str, *, is_download: bool) -> Tally:
        """What counts answers with these labels that are sent again and again. A download has no `cache`."""
        key = route, status, cache
        if key not in self._tallies:
            self._tallies[key] = (
                Tally(self.downloads.labels(route, str(status)), self.download_bytes.labels(route))
                if is_download
                else Tally(self.pages.labels(route, str(status), cache))
            )
        return self._tallies[key]

    def note_until_now(self) -> None:
        """Count all observations, and the processor time that this process has used.

        Called often, so that little is missing of one that is killed, or where another worker is asked.
        """
        for tally in self._tallies.values():
            tally.fold()
        used = time.process_time()
        self.processor_time.inc(used - self._processor_seconds)
        self._processor_seconds = used

    def render(self) -> bytes:
        """All metrics in the Prometheus text format, of all workers."""
        self.note_until_now()
        registry = self.registry
        if _DIRECTORY_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(self._process)


def _workers() -> list[int]:
    """The process ids of all workers; of this process where it is alone."""
    directory = os.environ.get(_DIRECTORY_VARIABLE)
    return workers_in(Path(directory)) if directory else [os.getpid()]
