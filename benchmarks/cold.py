"""Cold listings: folders that the server has never been asked for, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from typing import Final

from benchmarks import servers
from benchmarks.bench import LATENCY, Bench, Lane, Section
from benchmarks.client import Client
from benchmarks.contenders import RCLONE, RCLONE_S3, pierhead_on_s3, rclone_on_s3
from benchmarks.load import sample_of
from benchmarks.programs import Program
from benchmarks.results import BenchError, Goal, Row, Sample, times_of
from benchmarks.servers import AUTOINDEX, PIERHEAD, PIERHEAD_S3
from benchmarks.slow_s3 import FAST, FAST_SECONDS, SLOW, SLOW_SECONDS
from benchmarks.tree import COLD_ENTRIES, COLD_FOLDERS, check_listing, cold_folder
from tests.support.delaying_proxy import DelayingProxy

ON_DIRECTORY: Final = "directory"

_Start = Callable[[], AbstractContextManager[Program]]


def measure_cold(bench: Bench) -> list[Row]:
    """Pierhead and its peers on a directory, and those that read S3 on S3 as it is near and far."""
    on_directory: dict[str, _Start] = {
        PIERHEAD: lambda: servers.pierhead(bench.place("cold"), f"file://{bench.tree}"),
        AUTOINDEX: lambda: servers.nginx(bench.place("cold"), bench.tree, "autoindex on;"),
        RCLONE: lambda: servers.rclone(bench.place("cold"), bench.tree),
    }
    rows = bench.in_turn(_lanes(ON_DIRECTORY, on_directory))
    for case, delay in ((FAST, FAST_SECONDS), (SLOW, SLOW_SECONDS)):
        try:
            with DelayingProxy(bench.s3.url) as proxy:
                proxy.delay = delay
                on_s3: dict[str, _Start] = {
                    PIERHEAD_S3: partial(pierhead_on_s3, bench, proxy.url),
                    RCLONE_S3: partial(rclone_on_s3, bench, proxy.url),
                }
                rows += bench.in_turn(_lanes(case, on_s3))
        except BenchError as error:
            rows += [Row(name, case).failed(error) for name in (PIERHEAD_S3, RCLONE_S3)]
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
    speed = times_of(ON_DIRECTORY, PIERHEAD, AUTOINDEX)(rows)
    return 1 / speed if speed else None


SECTION: Final = Section(
    "cold",
    "Cold listings, 100 entries, each folder asked for once",
    measure_cold,
    (*LATENCY, f"x {AUTOINDEX}"),
    (Goal(f"{ON_DIRECTORY}: at most 2.5 times the time of {AUTOINDEX}", _beside_nginx, at_most=2.5),),
)
