"""Warm listings while S3 is as fast as ever, four times slower, or gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks.bench import LATENCY, Bench, Lane, Section, wait_for
from benchmarks.client import Target, get
from benchmarks.contenders import pierhead_on_s3
from benchmarks.load import load
from benchmarks.results import Goal, Row, Sample, find, paired
from benchmarks.servers import PIERHEAD_S3
from benchmarks.tree import small_page
from tests.support.delaying_proxy import DelayingProxy

FAST_SECONDS: Final = 0.030
SLOW_SECONDS: Final = 4 * FAST_SECONDS

FAST: Final = "S3 at 30 ms"
SLOW: Final = "S3 at 120 ms"
STOPPED: Final = "S3 stopped"
STATES: Final = (FAST, SLOW, STOPPED)

LIFETIMES: Final[Mapping[str, int]] = {"folders kept 600 s": 600, "folders kept 1 s": 1}
"""The longer one asks S3 for nothing while it is measured, the shorter one refreshes all the time."""

_RECOVERY_SECONDS = 60


def measure_slow_s3(bench: Bench) -> list[Row]:
    """Every state of S3, with a folder that needs no refresh and with one that needs it all the time."""
    rows: list[Row] = []
    for lifetime, ttl in LIFETIMES.items():
        with ExitStack() as stack:
            proxy = stack.enter_context(DelayingProxy(bench.s3.url))
            server = pierhead_on_s3(bench, proxy.url, PIERHEAD_CACHE_TTL=str(ttl))
            target = small_page(stack.enter_context(server))
            take = partial(_measure, bench, proxy, target, ttl)
            lanes = [Lane(Row(PIERHEAD_S3, f"{state}, {lifetime}"), partial(take, state)) for state in STATES]
            rows += bench.in_turn(lanes)
    return rows


def _measure(bench: Bench, proxy: DelayingProxy, target: Target, ttl: int, state: str) -> Sample:
    if state == STOPPED:
        proxy.refuse()
    else:
        proxy.delay = FAST_SECONDS if state == FAST else SLOW_SECONDS
        proxy.resume()
        wait_for(lambda: _age(target) <= ttl + 1, _RECOVERY_SECONDS, "a refresh after S3 came back")
    before = proxy.requests
    sample = load(target, bench.options.seconds)
    return replace(sample, facts={"S3 requests": proxy.requests - before})


def _age(target: Target) -> int:
    """Seconds since the folder was read from S3, by the answer's `Age`."""
    return int(dict(get(target).headers).get("age", "0"))


def _slower(lifetime: str, state: str, rows: Sequence[Row]) -> float | None:
    """How much longer answers take than with fast S3, by p50 or p99, whichever is worse."""
    row, base = (find(rows, PIERHEAD_S3, f"{name}, {lifetime}") for name in (state, FAST))
    return max(paired(row, base, "p50"), paired(row, base, "p99")) if row and base else None


SECTION: Final = Section(
    "slow-s3",
    "Warm listing while S3 is slow or gone",
    measure_slow_s3,
    (*LATENCY, "S3 requests"),
    [
        Goal(
            f"{state}, {lifetime}: p50 and p99 at most 1.1 times those with fast S3",
            partial(_slower, lifetime, state),
            at_most=1.1,
        )
        for lifetime in LIFETIMES
        for state in (SLOW, STOPPED)
    ],
)
