"""Large answers from a directory: everything below a folder, beside find(1), and what others wait for meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import tree
from benchmarks.bench import Bench, Lane, Section
from benchmarks.client import Client, Target, get
from benchmarks.load import asked_all_the_time, repeat, sample_of
from benchmarks.programs import SERVER_CORE, Program, run_to_end
from benchmarks.results import BenchError, Row, Sample, fact_goal
from benchmarks.servers import PIERHEAD, pierhead

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
        tree.make_folder(root / f"{number:03}", FILES)
    with pierhead(bench, f"file://{root}") as program:

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


_GOAL = f"{CASE} below a folder: at least 150,000 entries/s"
RECURSIVE: Final = Section(
    "recursive",
    "Everything below a folder of a directory",
    measure_recursive,
    (RATE, "p50 ms", "cores busy", f"x {FIND}"),
    [fact_goal(_GOAL, CASE, PIERHEAD, "rate", at_least=150_000, unit=RATE)],
)


KEPT_ENTRIES: Final = 50_000
LONGEST: Final = "longest wait ms"
MOST_MS: Final = 20

_FOLDER: Final = f"/{tree.folder(KEPT_ENTRIES)}/"
ASKED: Final = {
    f"{_FOLDER}zzz*": 404,
    f"{_FOLDER}*a*a*a*b": 404,
    f"/api/license{_FOLDER}zz*": 404,
    f"/license?lic={'0' * 32}&url={_FOLDER}zz*": 404,
    f"/api/ls{_FOLDER}absent": 404,
    f"/api/ls{_FOLDER}": 200,
    f"{_FOLDER}?format=text&limit=1": 200,
    f"{_FOLDER}?limit=100&after={tree.file_name(KEPT_ENTRIES // 2)}": 200,
    f"{_FOLDER}?limit={KEPT_ENTRIES - 1}": 200,
    f"{_FOLDER}?recursive=true": 200,
    f"{_FOLDER}?recursive=true&limit=100000": 200,
}
"""What is asked for beside a small page, and the status of its answer."""


def measure_loop_hold(bench: Bench) -> list[Row]:
    """A small warm page, asked for all the time: alone, and beside each of the others in turn."""
    root = bench.place("loop-hold")
    tree.make_folder(root / tree.folder(KEPT_ENTRIES), KEPT_ENTRIES)
    tree.make_folder(root / tree.cold_folder(0), tree.COLD_ENTRIES)
    # For as long as the run takes, so that nothing is listed again meanwhile.
    with pierhead(bench, f"file://{root}", environ={"PIERHEAD_CACHE_TTL": "3600"}) as program:
        tree.check_listing(get(Target(program, f"{_FOLDER}?format=text")), KEPT_ENTRIES)
        take = partial(_measure, bench.options.seconds, program)
        lanes = [Lane(Row(PIERHEAD, f"`{path}`"), partial(take, path)) for path in ASKED]
        return bench.in_turn([Lane(Row(PIERHEAD, "nothing else"), partial(take, "")), *lanes])


def _measure(seconds: float, program: Program, path: str) -> Sample:
    with asked_all_the_time(tree.small_page(program)) as beside, closing(Client(program.url)) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if path:
                client.ask(Target(program, path, status=ASKED[path]))
            else:
                time.sleep(seconds)
    return replace(sample_of(beside), facts={LONGEST: max(beside) * 1e3})


LOOP_HOLD: Final = Section(
    "loop-hold",
    f"What others wait for while one asks for much of a folder of {KEPT_ENTRIES:,} entries in memory",
    measure_loop_hold,
    (LONGEST, "p50 ms", "p99 ms"),
    [
        fact_goal(
            f"Beside `{path}`: nobody waits longer than {MOST_MS} ms",
            *(f"`{path}`", PIERHEAD, LONGEST),
            at_most=MOST_MS,
            unit="ms",
        )
        for path in ASKED
    ],
)
