"""Observations that are counted together count as each by itself does."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric

from app.telemetry import Metrics
from app.telemetry.tally import MOST_WAITING, Tally

SECONDS = [0.002, 0.001, 0.0, 0.01, 0.0011, 7.0, 0.01, math.nextafter(0.01, 1)]


def histogram(registry: CollectorRegistry) -> Histogram:
    return Histogram("it", "Of a test.", buckets=(0.001, 0.01, 5.0), registry=registry)


def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    metrics: list[Metric] = list(registry.collect())
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for metric in metrics
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


@pytest.mark.parametrize("count", [0, 1, 2, len(SECONDS)])
def test_all_at_once_are_as_one_after_the_other(count: int) -> None:
    together, alone = CollectorRegistry(), CollectorRegistry()
    tally, one = Tally(histogram(together)), histogram(alone)
    for _ in range(2):
        for seconds in SECONDS[:count]:
            tally.observe(seconds, 0)
            one.observe(seconds)
        tally.fold()
    assert samples(together) == pytest.approx(samples(alone))


def test_bytes_are_counted_with_them() -> None:
    registry = CollectorRegistry()
    tally = Tally(histogram(registry), Counter("size", "Of a test.", registry=registry))
    tally.observe(0.5, 1000)
    tally.observe(0.5, 24)
    assert samples(registry)["size_total", ""] == 0
    for _ in range(2):
        tally.fold()
        assert samples(registry)["size_total", ""] == 1024


def test_not_more_wait_than_there_may_be() -> None:
    registry = CollectorRegistry()
    tally = Tally(histogram(registry))
    for _ in range(MOST_WAITING + 1):
        tally.observe(0.5, 0)
    assert samples(registry)["it_count", ""] == MOST_WAITING


def test_whoever_asks_for_the_metrics_sees_everything_until_now() -> None:
    metrics = Metrics()
    count = b'pierhead_page_duration_seconds_count{cache="fast",route="folder-html",status="200"} %.1f'
    for number in (1, 2):
        metrics.tally("folder-html", 200, "fast", is_download=False).observe(0.5, 0)
        assert count % number in metrics.render()


def test_the_same_answers_are_counted_in_one_place_after_the_settings_were_read_again() -> None:
    metrics = Metrics()
    first, again = (metrics.tally("file-stream", 200, "", is_download=True) for _ in range(2))
    assert first is again
