"""What the sections of a run share: options, directories, the tree, the S3 engine, and taking turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from benchmarks.options import Options
from benchmarks.programs import PROJECT
from benchmarks.results import BenchError, Goal, Row, Sample
from benchmarks.s3 import run_s3
from benchmarks.tree import COLD_FOLDERS, cold_folder, folder, make_tree
from tests.support.aws import S3Endpoint

HOME = PROJECT / ".run" / "bench"

LATENCY = ("p50 ms", "p99 ms", "errors")
ALL = ("requests/s", "per core", *LATENCY, "cores busy")
"""Columns that several sections have."""

MOST_ENTRIES_IN_S3 = 10_000
"""More take the engine longer to store than everything else takes."""


class Lane(NamedTuple):
    """A row that is being measured, and what takes one sample or raises `BenchError` or `OSError`."""

    row: Row
    take: Callable[[], Sample]


class Bench(ExitStack):
    """One run, with a directory for its servers that does not exist yet."""

    def __init__(self, options: Options, directory: Path) -> None:
        super().__init__()
        self.options = options
        self.directory = directory
        self._places = 0
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Show how far the run is."""
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", file=sys.stderr, flush=True)

    def place(self, name: str) -> Path:
        """A directory for one server, which no other server has."""
        self._places += 1
        return self.directory / f"{self._places:03}-{name.replace(' ', '-').replace(',', '')}"

    @cached_property
    def tree(self) -> Path:
        """The directory that is served; made by the first run and kept for the next ones."""
        self.say("making the tree")
        make_tree(HOME / "tree", self.options.sizes)
        return HOME / "tree"

    @property
    def s3(self) -> S3Endpoint:
        """The engine with the tree in it. Started once, when it is first needed.

        Raises:
            BenchError: it could not be started, now or before.
        """
        if isinstance(self._s3, BenchError):
            raise self._s3
        return self._s3

    @cached_property
    def _s3(self) -> S3Endpoint | BenchError:
        self.say("starting the S3 engine and filling it")
        sizes = (size for size in self.options.sizes if size <= MOST_ENTRIES_IN_S3)
        folders = (*map(folder, sizes), *map(cold_folder, range(COLD_FOLDERS)))
        try:
            return self.enter_context(run_s3(self.directory / "s3", self.tree, folders))
        except BenchError as error:
            return error

    def in_turn(self, lanes: Sequence[Lane], repetitions: int | None = None) -> list[Row]:
        """Measure every row once, then every row again in the opposite order, and so on.

        So what changes on the machine meanwhile hits all rows, and neighbours stay neighbours.
        """
        samples: list[list[Sample]] = [[] for _ in lanes]
        failures: dict[int, Exception] = {}
        order = range(len(lanes))
        for repetition in range(repetitions or self.options.repetitions):
            for index in order if repetition % 2 == 0 else reversed(order):
                row, take = lanes[index]
                if index not in failures:
                    self.say(f"{row.case}, {row.server} ({repetition + 1})")
                    try:
                        samples[index].append(take())
                    except (BenchError, OSError) as error:
                        failures[index] = error
        return [
            lane.row.failed(failures[index]) if index in failures else lane.row.measured(taken)
            for index, (lane, taken) in enumerate(zip(lanes, samples, strict=True))
        ]


class Section(NamedTuple):
    """A part of a run, and a part of the report."""

    name: str  # for `--only`
    title: str
    measure: Callable[[Bench], list[Row]]  # what it raises (`BenchError`, `OSError`) becomes a failed row
    columns: Sequence[str]  # see `report.cell`
    goals: Sequence[Goal] = ()
    by_case: bool = False  # one table for each case
