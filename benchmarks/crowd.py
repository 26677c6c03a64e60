"""Two thousand clients at once, on a machine as small as the smallest that Pierhead is made for."""

from __future__ import annotations

import os
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.contenders import PIERHEAD
from benchmarks.growth import PEAK
from benchmarks.limits import CORES, Limits, limited
from benchmarks.load import Target, get, load_with_wrk
from benchmarks.pierhead import run_pierhead
from benchmarks.results import BenchError, Row, Sample
from benchmarks.tree import COLD_ENTRIES, check_listing, cold_folder

CLIENTS = 2_000
CASE = f"{CLIENTS:,} clients"
_SERVER_CORES = (0, 1)
_THREADS = 2


def measure_crowd(bench: Bench) -> list[Row]:
    """Two workers on two cores; the load generator has the other cores, or the same ones where there are none."""
    row = Row("crowd", PIERHEAD, CASE)
    try:
        with limited(f"pierhead-bench-{os.getpid()}") as limits:
            return [_measure(bench, replace(row, note=limits.kind), limits)]
    except (BenchError, OSError) as error:
        return [row.failed(error)]


def _measure(bench: Bench, row: Row, limits: Limits) -> Row:
    others = [core for core in range(os.cpu_count() or 1) if core not in _SERVER_CORES][:_THREADS]
    samples: list[Sample] = []
    with run_pierhead(
        bench.directory / "crowd",
        f"file://{bench.tree}",
        workers=CORES,
        cores=_SERVER_CORES,
        prefix=limits.prefix,
    ) as program:
        target = Target(program, f"/{cold_folder(0)}/")
        check_listing(get(target), COLD_ENTRIES)
        for repetition in range(bench.options.repetitions):
            bench.say(f"crowd ({repetition + 1})")
            samples.append(
                load_with_wrk(
                    target,
                    seconds=max(bench.options.seconds, 2.0),  # most of a second goes by before all are there
                    connections=CLIENTS,
                    threads=_THREADS,
                    cores=others or _SERVER_CORES,
                )
            )
        memory = program.memory("VmHWM")
    where = "" if others else "; the load generator runs on the same cores"
    return replace(row, samples=tuple(samples), facts={PEAK: memory}, note=row.note + where)
