"""What a warm page costs, and what memory the server needs, as the bucket grows."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from app.config import Settings
from benchmarks.bench import Bench
from benchmarks.contenders import PIERHEAD
from benchmarks.fake_store import folder_name
from benchmarks.lanes import CONNECTIONS, Lane, measure_in_turn
from benchmarks.load import Client, Target, get
from benchmarks.programs import PROJECT, Program, run_program
from benchmarks.results import BenchError, Row
from benchmarks.tree import check_listing
from tests.support.waiting import answers, free_port

FILES = 100
"""In each folder."""

FOLDERS = (100, 10_000)
_QUICK_FOLDERS = (10, 100)
MEMORY_BEYOND_CACHE = 150 * 1024 * 1024
_BROWSE_SECONDS = 180

MEMORY, PEAK, BOUND, BROWSED = "memory", "peak memory", "memory bound", "folders browsed"


def measure_growth(bench: Bench) -> list[Row]:
    """A small bucket and a large one, both browsed from end to end; then one page of each in turn."""
    rows: list[Row] = []
    lanes: list[Lane] = []
    with ExitStack() as stack:
        for folders in _QUICK_FOLDERS if bench.options.quick else FOLDERS:
            row = Row("growth", PIERHEAD, case_of(folders))
            try:
                lanes.append(_prepare(bench, row, folders, stack))
            except (BenchError, OSError) as error:
                rows.append(row.failed(error))
        return rows + measure_in_turn(bench, lanes)


def case_of(folders: int) -> str:
    """How a row says how large its bucket is."""
    return f"{folders * FILES:,} keys in {folders:,} folders"


def _prepare(bench: Bench, row: Row, folders: int, stack: ExitStack) -> Lane:
    bench.say(f"growth, browsing {row.case}")
    program = stack.enter_context(_run(bench, folders))
    browsed = _browse(program, folders)
    facts = {
        MEMORY: program.memory(),
        PEAK: program.memory("VmHWM"),
        BOUND: int(Settings.model_fields["cache_bytes"].default) + MEMORY_BEYOND_CACHE,
        BROWSED: browsed,
    }
    target = Target(program, f"/{folder_name(0)}/")
    check_listing(get(target), FILES)
    return Lane(replace(row, facts=facts), target, CONNECTIONS, bench.options.seconds)


def _run(bench: Bench, folders: int) -> AbstractContextManager[Program]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "benchmarks.fake_server", "--port", str(port)]
    return run_program(
        [*command, "--folders", str(folders), "--files", str(FILES)],
        url=url,
        directory=bench.directory / f"growth-{folders}",
        answers=lambda: answers(f"{url}/healthz"),
        environ={"PYTHONPATH": str(PROJECT)},
    )


def _browse(program: Program, folders: int) -> int:
    """Ask for the page of each folder once, as far as the time goes. Returns how many those were."""
    client = Client(program.url)
    deadline = time.monotonic() + _BROWSE_SECONDS
    try:
        for number in range(folders):
            check_listing(client.get(f"/{folder_name(number)}/"), FILES)
            if time.monotonic() > deadline:
                return number + 1
    finally:
        client.close()
    return folders
