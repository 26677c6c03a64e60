"""Folders that the server has never been asked for, and warm ones while S3 is as fast as ever, slower, or gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks import servers
from benchmarks.bench import LATENCY, Bench, Lane, Section
from benchmarks.client import Client, Target, get
from benchmarks.load import load, sample_of
from benchmarks.results import BenchError, Goal, Row, Sample, find, paired, times_of
from benchmarks.tree import COLD_ENTRIES, COLD_FOLDERS, check_listing, cold_folder, small_page
from tests.support.delaying_proxy import DelayingProxy
from tests.support.waiting import wait_until

FAST_SECONDS: Final = 0.030
SLOW_SECONDS: Final = 4 * FAST_SECONDS

FAST: Final = "S3 at 30 ms"
SLOW: Final = "S3 at 120 ms"
STOPPED: Final = "S3 stopped"
ON_DIRECTORY: Final = "directory"

LIFETIMES: Final[Mapping[str, int]] = {"folders kept 600 s": 600, "folders kept 1 s": 1}
"""The longer one asks S3 for nothing while it is measured, the shorter one refreshes all the time."""

_RECOVERY_SECONDS = 60

_Start = Callable[[], servers.Running]


def measure_cold(bench: Bench) -> list[Row]:
    """Pierhead and its peers on a directory, and those that read S3 on S3 as it is near and far."""
    on_directory: dict[str, _Start] = {
        servers.PIERHEAD: partial(servers.pierhead, bench),
        servers.AUTOINDEX: partial(servers.nginx, bench, location="autoindex on;"),
        servers.RCLONE: partial(servers.rclone, bench),
    }
    rows = bench.in_turn(_lanes(ON_DIRECTORY, on_directory))
    for case, delay in ((FAST, FAST_SECONDS), (SLOW, SLOW_SECONDS)):
        try:
            with DelayingProxy(bench.s3.url) as proxy:
                proxy.delay = delay
                s3 = replace(bench.s3, url=proxy.url)
                on_s3: dict[str, _Start] = {
                    servers.PIERHEAD_S3: partial(servers.pierhead_on_s3, bench, s3),
                    servers.RCLONE_S3: partial(servers.rclone_on_s3, bench, s3),
                }
                rows += bench.in_turn(_lanes(case, on_s3))
        except BenchError as error:
            rows += [Row(name, case).failed(error) for name in (servers.PIERHEAD_S3, servers.RCLONE_S3)]
    return rows


def _lanes(case: str, starts: dict[str, _Start]) -> list[Lane]:
    return [Lane(Row(name, case), partial(_browse, start)) for name, start in starts.items()]


def _browse(start: _Start) -> Sample:
    """Ask a new server for every folder once. The first one opens connections to S3 and is not counted."""
    taken: list[float] = []
    with start() as program, closing(Client(program.url)) as client:
        for number in range(COLD_FOLDERS):
            answer = client.get(f"/{cold_folder(number)}/")
            check_listing(answer, COLD_ENTRIES)
            taken.append(answer.seconds)
    return sample_of(taken[1:])


def _beside_nginx(rows: Sequence[Row]) -> float | None:
    speed = times_of(ON_DIRECTORY, servers.PIERHEAD, (servers.AUTOINDEX,), rows)
    return 1 / speed if speed else None


COLD: Final = Section(
    "cold",
    "Cold listings, 100 entries, each folder asked for once",
    measure_cold,
    (*LATENCY, f"x {servers.AUTOINDEX}"),
    (Goal(f"{ON_DIRECTORY}: at most 2.5 times the time of {servers.AUTOINDEX}", _beside_nginx, at_most=2.5),),
)


def measure_slow_s3(bench: Bench) -> list[Row]:
    """Every state of S3, with a folder that needs no refresh and with one that needs it all the time."""
    rows: list[Row] = []
    for lifetime, ttl in LIFETIMES.items():
        with ExitStack() as stack:
            proxy = stack.enter_context(DelayingProxy(bench.s3.url))
            server = servers.pierhead_on_s3(
                bench, replace(bench.s3, url=proxy.url), PIERHEAD_CACHE_TTL=str(ttl)
            )
            take = partial(_measure, bench, proxy, small_page(stack.enter_context(server)), ttl)
            rows += bench.in_turn(
                [
                    Lane(Row(servers.PIERHEAD_S3, f"{state}, {lifetime}"), partial(take, state))
                    for state in (FAST, SLOW, STOPPED)
                ]
            )
    return rows


def _measure(bench: Bench, proxy: DelayingProxy, target: Target, ttl: int, state: str) -> Sample:
    if state == STOPPED:
        proxy.refuse()
    else:
        proxy.delay = FAST_SECONDS if state == FAST else SLOW_SECONDS
        proxy.resume()
        if not wait_until(lambda: _age(target) <= ttl + 1, _RECOVERY_SECONDS):
            raise BenchError(f"no refresh within {_RECOVERY_SECONDS} s after S3 came back")
    before = proxy.requests
    sample = load(target, bench.options.seconds)
    return replace(sample, facts={"S3 requests": proxy.requests - before})


def _age(target: Target) -> int:
    """Seconds since the folder was read from S3, by the answer's `Age`."""
    return int(dict(get(target).headers).get("age", "0"))


def _slower(lifetime: str, state: str, rows: Sequence[Row]) -> float | None:
    """How much longer answers take than with fast S3, by p50 or p99, whichever is worse."""
    row, base = (find(rows, servers.PIERHEAD_S3, f"{name}, {lifetime}") for name in (state, FAST))
    return max(paired(row, base, "p50"), paired(row, base, "p99")) if row and base else None


SLOW_S3: Final = Section(
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
