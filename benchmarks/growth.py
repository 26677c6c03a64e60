"""What a warm page costs, and what memory the server needs, as the bucket grows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

from app.config import Settings
from benchmarks import servers
from benchmarks.bench import ALL, Bench, Lane, Section
from benchmarks.client import Client, Target
from benchmarks.load import load
from benchmarks.programs import Program
from benchmarks.results import BenchError, Goal, Row, fact_of, find, times
from benchmarks.servers import PIERHEAD
from tests.support.synthetic_site import FILES, FOLDERS, folder_path

GROUPS: Final = (1, 100)
_QUICK_GROUPS = (1,)

_CACHE_BYTES = int(Settings.model_fields["cache_bytes"].default)
BOUND: Final = _CACHE_BYTES / 2**20 + 150
"""MiB."""
_BROWSE_SECONDS = 180


def measure_growth(bench: Bench) -> list[Row]:
    """A small bucket and a large one, both browsed from end to end; then one page of each in turn."""
    with ExitStack() as stack:
        lanes = []
        for groups in _QUICK_GROUPS if bench.options.quick else GROUPS:
            bench.say(f"growth, browsing {case_of(groups)}")
            server = servers.synthetic(bench.place("growth"), groups, _CACHE_BYTES)
            program = stack.enter_context(server)
            _browse(program, groups)
            facts = {
                "memory MiB": program.memory(),
                "at most MiB": program.memory("VmHWM"),
                "bound MiB": BOUND,
            }
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


SECTION: Final = Section(
    "growth",
    "Warm listing as the bucket grows",
    measure_growth,
    (*ALL, "memory MiB", "at most MiB", "bound MiB"),
    (
        Goal("a warm page costs at most 1.2 times as much with 100 times the keys", _growth, at_most=1.2),
        Goal(
            "memory within CACHE_BYTES + 150 MiB after every folder was looked at",
            fact_of(case_of(GROUPS[-1]), PIERHEAD, "memory MiB"),
            at_most=BOUND,
            unit="MiB",
        ),
    ),
)
