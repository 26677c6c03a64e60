"""What a warm page costs, and what memory the server needs, as the bucket grows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

from app.config import Settings
from benchmarks.bench import ALL, Bench, Lane, Section
from benchmarks.client import Client, Target
from benchmarks.load import load
from benchmarks.programs import Program, run_program
from benchmarks.results import BenchError, Goal, Row, fact_goal, find, times
from benchmarks.servers import PIERHEAD
from tests.support.synthetic_site import FILES, FOLDERS, folder_path

GROUPS: Final = (1, 100)

_CACHE_BYTES = int(Settings.model_fields["cache_bytes"].default)
BOUND: Final = _CACHE_BYTES / 2**20 + 150
"""MiB."""
_BROWSE_SECONDS = 180
_SERVE = (
    f"{{python}} -m tests.support.synthetic_site {{port}} {_CACHE_BYTES} --groups {{groups}} --log-level info"
)


def measure_growth(bench: Bench) -> list[Row]:
    """A small bucket and a large one (made up), both browsed from end to end; then one page of each in turn."""
    with ExitStack() as stack:
        lanes = []
        for groups in GROUPS[:1] if bench.options.quick else GROUPS:
            bench.say(f"growth, browsing {case_of(groups)}")
            server = run_program(_SERVE, bench.place("growth"), ready="/healthz", groups=groups)
            program = stack.enter_context(server)
            _browse(program, groups)
            now, most = program.memory(), program.memory("VmHWM")
            facts = {"memory MiB": now, "at most MiB": most, "bound MiB": BOUND}
            take = partial(load, Target(program, folder_path(0, 0)), bench.options.seconds)
            lanes.append(Lane(Row(PIERHEAD, case_of(groups), facts=facts), take))
        return bench.in_turn(lanes)


def case_of(groups: int) -> str:
    """How a row says how large its bucket is."""
    return f"{groups * FOLDERS * FILES:,} keys in {groups * FOLDERS:,} folders"


def _browse(program: Program, groups: int) -> None:
    """Ask for the page of each folder once.

    Raises:
        BenchError: that takes too long, or a page cannot be had.
    """
    deadline = time.monotonic() + _BROWSE_SECONDS
    with closing(Client(program.url)) as client:
        for group in range(groups):
            for folder in range(FOLDERS):
                client.ask(Target(program, folder_path(group, folder)))
            if time.monotonic() > deadline:
                raise BenchError(f"browsed only {group + 1} of {groups} parts in {_BROWSE_SECONDS} s")


def _growth(rows: Sequence[Row]) -> float | None:
    small, large = (find(rows, PIERHEAD, case_of(groups)) for groups in GROUPS)
    return 1 / times(large, small) if small and large else None


GROWTH: Final = Section(
    "growth",
    "Warm listing as the bucket grows",
    measure_growth,
    (*ALL, "memory MiB", "at most MiB", "bound MiB"),
    (
        Goal("a warm page costs at most 1.2 times as much with 100 times the keys", _growth, at_most=1.2),
        fact_goal(
            "memory within CACHE_BYTES + 150 MiB after every folder was looked at",
            *(case_of(GROUPS[-1]), PIERHEAD, "memory MiB"),
            at_most=BOUND,
            unit="MiB",
        ),
    ),
)
