"""The figures of all worker processes together, as of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_YOUNGEST: Final = "process_start_time_seconds"
_COUNTED: Final = "process_cpu_seconds_total"
"""Summed here it would go back when a process ends, so it is counted like what requests do."""


class AllProcesses(Collector):
    """Sums the memory and the descriptors of processes. The start is that of the youngest.

    Args:
        pids: those that run.
    """

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`. A process that ends meanwhile is left out."""
        found: dict[str, list[Metric]] = {}
        for pid in self._pids():
            for metric in _figures_of(pid):
                if metric.samples[0].name != _COUNTED:
                    found.setdefault(metric.samples[0].name, []).append(metric)
        for name, metrics in found.items():
            values = [metric.samples[0].value for metric in metrics]
            together = max(values) if name == _YOUNGEST else sum(values)
            metrics[0].samples = [metrics[0].samples[0]._replace(value=together)]
            yield metrics[0]


def _figures_of(pid: int) -> Iterable[Metric]:
    collector = ProcessCollector(pid=lambda: pid, registry=None)
    return collector.collect()


def workers_in(directory: Path) -> list[int]:
    """The workers that write their metrics there. The file of one that is gone is removed by the supervisor."""
    return sorted(int(path.stem.rpartition("_")[2]) for path in directory.glob("gauge_livemax_*.db"))
