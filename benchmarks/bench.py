"""What the sections of a run share: options, directories, the tree, the S3 engine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

from benchmarks.options import Options
from benchmarks.programs import PROJECT
from benchmarks.results import BenchError
from benchmarks.s3 import S3, run_s3
from benchmarks.tree import COLD_FOLDERS, cold_folder, folder, make_tree
from tests.support.waiting import wait_until

HOME = PROJECT / ".run" / "bench"

MOST_ENTRIES_IN_S3 = 10_000
"""More take the engine longer to store than everything else takes."""


class Bench:
    """One run.

    Args:
        options: what is measured.
        directory: for this run's servers; must not exist yet.
    """

    def __init__(self, options: Options, directory: Path) -> None:
        self.options = options
        self.directory = directory
        self._stack = ExitStack()
        self._started = time.monotonic()
        self._s3_error: BenchError | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def say(self, text: str) -> None:
        """Tell the one who waits how far it is."""
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", file=sys.stderr, flush=True)

    @cached_property
    def tree(self) -> Path:
        """The directory that is served; made by the first run and kept for the next ones."""
        self.say("making the tree")
        make_tree(HOME / "tree", self.options.sizes)
        return HOME / "tree"

    def s3(self) -> S3:
        """The engine with the tree in it. Started once, by the first that asks.

        Raises:
            BenchError: it could not be started, now or before.
        """
        if self._s3_error is not None:
            raise self._s3_error
        try:
            return self._s3
        except BenchError as error:
            self._s3_error = error
            raise

    @cached_property
    def _s3(self) -> S3:
        self.say("starting the S3 engine and filling it")
        sizes = tuple(size for size in self.options.sizes if size <= MOST_ENTRIES_IN_S3)
        folders = (*map(folder, sizes), *map(cold_folder, range(COLD_FOLDERS)))
        return self._stack.enter_context(run_s3(self.directory / "s3", self.tree, folders, sizes))


def wait_for(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something without which there is nothing to measure.

    Raises:
        BenchError: it was not so in time.
    """
    if not wait_until(is_so, seconds):
        raise BenchError(f"{what}: not within {seconds:g} s")
