"""Metrics and logs: what is measured and how a line looks. Nothing here decides anything."""

from __future__ import annotations

import logging
import os
import sys
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_PAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DOWNLOAD_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


class Metrics:
    """The process's metrics, in a registry of their own.

    With several workers, `PROMETHEUS_MULTIPROC_DIR` (set before this module is imported) makes every worker
    write where each can read, so that any of them answers for all.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.pages = Histogram(
            "pierhead_page_duration_seconds",
            "Time from request to last byte of everything but downloads.",
            ("route", "status"),
            buckets=_PAGE_BUCKETS,
            registry=self.registry,
        )
        self.downloads = Histogram(
            "pierhead_download_duration_seconds",
            "Time from request to last byte of downloads.",
            ("route", "status"),
            buckets=_DOWNLOAD_BUCKETS,
            registry=self.registry,
        )
        self.download_bytes = Counter(
            "pierhead_download_bytes",
            "Body bytes of downloads handed to the network.",
            ("route",),
            registry=self.registry,
        )
        self.storage_calls = Histogram(
            "pierhead_storage_call_duration_seconds",
            "Time of each call to the storage.",
            ("operation", "outcome"),
            buckets=_PAGE_BUCKETS,
            registry=self.registry,
        )

    def observe_storage_call(self, operation: str, outcome: str, seconds: float) -> None:
        """Record one storage call (see `app.storage.store.Observer`)."""
        self.storage_calls.labels(operation, outcome).observe(seconds)

    def render(self) -> bytes:
        """All metrics in the Prometheus text format, of every worker where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        combined = CollectorRegistry()
        MultiProcessCollector(combined)  # type: ignore[no-untyped-call]
        return generate_latest(combined)


def configure_logging(level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send every log line of the process, ours and the libraries', to standard error in one form.

    Args:
        level: least level shown: debug, info, warning or error.
        form: `json` for one object a line, `console` for people, `auto` by whether stderr is a terminal.
    """
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _put_first,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("botocore", "aiobotocore", "aioboto3", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _put_first(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """When, how grave and what, before the details: the order in which people read a line."""
    first = {name: event[name] for name in ("timestamp", "level", "logger", "event") if name in event}
    return first | {name: value for name, value in event.items() if name not in first}
