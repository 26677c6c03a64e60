"""Everything below a folder of a directory, in one answer. find(1) prints the same entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import servers
from benchmarks.bench import Bench, Lane, Section
from benchmarks.client import Target, get
from benchmarks.load import repeat
from benchmarks.programs import SERVER_CORE, Program, run_to_end
from benchmarks.results import BenchError, Goal, Row, Sample, fact_of
from benchmarks.servers import PIERHEAD
from benchmarks.tree import make_folder

FOLDERS: Final = 200
FILES: Final = 100
ENTRIES: Final = FOLDERS * (FILES + 1)
CASE: Final = f"{ENTRIES:,} entries"
FIND: Final = "find"
RATE: Final = "entries/s"

_FIND_SECONDS = 60


def measure_recursive(bench: Bench) -> list[Row]:
    """The same folder by both, in turn."""
    root = bench.place("recursive")
    for number in range(FOLDERS):
        make_folder(root / f"{number:03}", FILES)
    with servers.pierhead(bench.place(PIERHEAD), f"file://{root}") as program:

        def sample(once: Callable[[], float], measured: Program | None) -> Sample:
            found = repeat(once, measured, seconds=bench.options.seconds)
            return replace(found, rate=found.rate * ENTRIES)

        ours = partial(sample, partial(_ask, Target(program, "/?recursive=true")), program)
        theirs = partial(sample, partial(_find, root), None)
        return bench.in_turn([Lane(Row(PIERHEAD, CASE), ours), Lane(Row(FIND, CASE), theirs)])


def _ask(target: Target) -> float:
    answer = get(target)
    _check(answer.body)
    return answer.seconds


def _find(root: Path) -> float:
    command = ["taskset", "-c", str(SERVER_CORE), "find", str(root), "-mindepth", "1"]
    started = time.perf_counter()
    printed = run_to_end([*command, "-printf", "%P %s %T@\n"], seconds=_FIND_SECONDS)
    seconds = time.perf_counter() - started
    _check(printed.encode())
    return seconds


def _check(lines: bytes) -> None:
    if (count := lines.count(b"\n")) != ENTRIES:
        raise BenchError(f"lists {count:,} of {ENTRIES:,} entries")


SECTION: Final = Section(
    "recursive",
    "Everything below a folder of a directory",
    measure_recursive,
    (RATE, "p50 ms", "cores busy", f"x {FIND}"),
    (
        Goal(
            f"{CASE} below a folder: at least 150,000 entries/s",
            fact_of(CASE, PIERHEAD, "rate"),
            at_least=150_000,
            unit=RATE,
        ),
    ),
)
