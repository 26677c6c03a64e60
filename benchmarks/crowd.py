"""Two thousand clients at once, on a machine as small as the smallest that Pierhead is made for."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from benchmarks.bench import ALL, Bench, Lane, Section
from benchmarks.limits import CORES, small_pierhead
from benchmarks.load import load_with_wrk
from benchmarks.results import Goal, Row, Sample, fact_of
from benchmarks.servers import PIERHEAD
from benchmarks.tree import small_page

CLIENTS: Final = 2_000
CASE: Final = f"{CLIENTS:,} clients"


def measure_crowd(bench: Bench) -> list[Row]:
    """The load generator has the other cores, or the same ones where there are none."""
    others = [core for core in range(os.cpu_count() or 1) if core not in CORES][: len(CORES)]
    with small_pierhead(bench, f"file://{bench.tree}") as (program, kind):
        page = small_page(program)
        seconds = max(bench.options.seconds, 2.0)  # most of a second goes by before all are there

        def take() -> Sample:
            cores, threads = others or CORES, len(CORES)
            sample = load_with_wrk(page, seconds=seconds, connections=CLIENTS, threads=threads, cores=cores)
            return replace(sample, facts={"at most MiB": program.memory("VmHWM")})

        row = Row(PIERHEAD, CASE, note=kind)
        row = row if others else row.noted("the load generator runs on the same cores")
        return bench.in_turn([Lane(row, take)])


SECTION: Final = Section(
    "crowd",
    "2,000 busy keep-alive clients, 2 workers",
    measure_crowd,
    (*ALL, "at most MiB"),
    (
        Goal(
            f"{CASE} on 2 cores in 2 GiB: no error",
            fact_of(CASE, PIERHEAD, "errors"),
            at_most=0,
            unit="errors",
        ),
        Goal(
            f"{CASE} on 2 cores in 2 GiB: p99 at most 200 ms",
            fact_of(CASE, PIERHEAD, "p99"),
            at_most=200,
            unit="ms",
        ),
    ),
)
