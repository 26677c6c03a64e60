"""Warm listings while S3 is as fast as ever, four times slower, or gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from benchmarks.bench import Bench, wait_for
from benchmarks.contenders import PIERHEAD_S3
from benchmarks.delaying_proxy import DelayingProxy
from benchmarks.lanes import CONNECTIONS, Lane, measure
from benchmarks.load import Target, get
from benchmarks.pierhead import run_pierhead
from benchmarks.results import BenchError, Row, Sample
from benchmarks.s3 import BUCKET
from benchmarks.tree import COLD_ENTRIES, check_listing, cold_folder

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
        row = Row("slow-s3", PIERHEAD_S3, "")
        try:
            rows += _measure_states(bench, row, lifetime, ttl)
        except (BenchError, OSError) as error:
            rows += [replace(row, case=f"{state}, {lifetime}").failed(error) for state in STATES]
    return rows


def _measure_states(bench: Bench, row: Row, lifetime: str, ttl: int) -> list[Row]:
    s3 = bench.s3()
    taken: dict[str, list[Sample]] = {state: [] for state in STATES}
    asked: dict[str, int] = dict.fromkeys(STATES, 0)
    with DelayingProxy(s3.endpoint.url) as proxy:
        environ = {**s3.aws_environment(proxy.url), "PIERHEAD_CACHE_TTL": str(ttl)}
        with run_pierhead(bench.directory / f"slow-{ttl}", f"s3://{BUCKET}", environ=environ) as program:
            target = Target(program, f"/{cold_folder(0)}/")
            check_listing(get(target), COLD_ENTRIES)
            lane = Lane(row, target, CONNECTIONS, bench.options.seconds)
            for repetition in range(bench.options.repetitions):
                for state in STATES:
                    bench.say(f"slow-s3, {state}, {lifetime} ({repetition + 1})")
                    _enter(state, proxy, is_refreshed=lambda: _age(target) <= ttl + 1)
                    before = proxy.requests
                    taken[state].append(measure(lane))
                    asked[state] += proxy.requests - before
    return [
        replace(
            row, case=f"{state}, {lifetime}", samples=tuple(taken[state]), facts={"S3 requests": asked[state]}
        )
        for state in STATES
    ]


def _enter(state: str, proxy: DelayingProxy, *, is_refreshed: Callable[[], bool]) -> None:
    if state == STOPPED:
        proxy.refuse()
        return
    proxy.delay = FAST_SECONDS if state == FAST else SLOW_SECONDS
    proxy.resume()
    wait_for(is_refreshed, _RECOVERY_SECONDS, "a refresh after S3 came back")


def _age(target: Target) -> int:
    """Seconds since the folder was read from S3, as the answer says it."""
    return int(dict(get(target).headers).get("age", "0"))
