"""Single requests for much of a large folder that is in memory: how long all others have to wait meanwhile."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks import servers
from benchmarks.bench import Bench, Lane, Section
from benchmarks.client import Client, Target, get
from benchmarks.load import asked_all_the_time, sample_of
from benchmarks.programs import Program
from benchmarks.results import Goal, Row, Sample, fact_of
from benchmarks.servers import PIERHEAD
from benchmarks.tree import (
    COLD_ENTRIES,
    check_listing,
    cold_folder,
    file_name,
    folder,
    make_folder,
    small_page,
)

ENTRIES: Final = 50_000
LONGEST: Final = "longest wait ms"
MOST_MS: Final = 20

_FOLDER: Final = f"/{folder(ENTRIES)}/"
ASKED: Final = {
    "": 200,
    f"{_FOLDER}zzz*": 404,
    f"{_FOLDER}*a*a*a*b": 404,
    f"/api/license{_FOLDER}zz*": 404,
    f"/license?lic={'0' * 32}&url={_FOLDER}zz*": 404,
    f"/api/ls{_FOLDER}absent": 404,
    f"/api/ls{_FOLDER}": 200,
    f"{_FOLDER}?format=text&limit=1": 200,
    f"{_FOLDER}?limit=100&after={file_name(ENTRIES // 2)}": 200,
    f"{_FOLDER}?limit={ENTRIES - 1}": 200,
    f"{_FOLDER}?recursive=true": 200,
    f"{_FOLDER}?recursive=true&limit=100000": 200,
}
"""What is asked for beside a small page, and the status of its answer; nothing where it is empty."""


def case_of(path: str) -> str:
    """How a row says what else is asked for."""
    return f"`{path}`" if path else "nothing else"


def measure_loop_hold(bench: Bench) -> list[Row]:
    """A small warm page, asked for all the time: alone, and beside each of the others in turn."""
    root = bench.place("loop-hold")
    make_folder(root / folder(ENTRIES), ENTRIES)
    make_folder(root / cold_folder(0), COLD_ENTRIES)
    # For as long as the run takes, so that nothing is listed again meanwhile.
    environ = {"PIERHEAD_CACHE_TTL": "3600"}
    with servers.pierhead(bench.place(PIERHEAD), f"file://{root}", environ=environ) as program:
        check_listing(get(Target(program, f"{_FOLDER}?format=text")), ENTRIES)
        return bench.in_turn(
            [Lane(Row(PIERHEAD, case_of(path)), partial(_measure, bench, program, path)) for path in ASKED]
        )


def _measure(bench: Bench, program: Program, path: str) -> Sample:
    target = Target(program, path, status=ASKED[path])
    with asked_all_the_time(small_page(program)) as beside, closing(Client(program.url)) as client:
        end = time.monotonic() + bench.options.seconds
        while time.monotonic() < end:
            if path:
                client.ask(target)
            else:
                time.sleep(bench.options.seconds)
    return replace(sample_of(beside), facts={LONGEST: max(beside) * 1e3})


SECTION: Final = Section(
    "loop-hold",
    f"What others wait for while one asks for much of a folder of {ENTRIES:,} entries in memory",
    measure_loop_hold,
    (LONGEST, "p50 ms", "p99 ms"),
    tuple(
        Goal(
            f"Beside {case_of(path)}: nobody waits longer than {MOST_MS} ms",
            fact_of(case_of(path), PIERHEAD, LONGEST),
            at_most=MOST_MS,
            unit="ms",
        )
        for path in ASKED
        if path
    ),
)
