"""A large folder of S3 that nobody has listed yet, where each call takes 30 ms: by Pierhead's lister and by others."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Final

from benchmarks import servers
from benchmarks.bench import Bench, Lane, Section
from benchmarks.list_once import Listed
from benchmarks.programs import SERVER_CORE, run_to_end
from benchmarks.results import BenchError, Goal, Row, Sample, fact_of, times_of
from benchmarks.s3 import BUCKET, aws_environment
from benchmarks.slow_s3 import FAST_SECONDS
from benchmarks.tree import folder
from tests.support.aws import S3Endpoint

QUICK_ENTRIES: Final = 5_000
ENTRIES: Final = 100_000
CASE: Final = f"{ENTRIES:,} keys, S3 at 30 ms"

AIOBOTO3: Final = "aioboto3, page by page"
PAGE_BY_PAGE: Final = "Pierhead's parser, page by page"
RANGES: Final = "Pierhead's lister, first time"
RANGES_AGAIN: Final = "Pierhead's lister, once more"
HELD: Final = "loop held ms"

_WAYS: Final = {
    AIOBOTO3: ("aioboto3", 1),
    PAGE_BY_PAGE: ("page-by-page", 1),
    RANGES: ("ranges", 1),
    RANGES_AGAIN: ("ranges", 2),
}
"""By the name of the row: name of a way of `list_once`, and how often it lists; the last time counts."""

_LIST_SECONDS = 180


def measure_listing(bench: Bench) -> list[Row]:
    """Each way in a process of its own, on the servers' core and in turn."""
    entries = QUICK_ENTRIES if bench.options.quick else ENTRIES
    note = f"of {entries:,} keys only" if bench.options.quick else ""
    with servers.made_up_s3(bench.place("made-up S3"), entries=entries, delay=FAST_SECONDS) as s3:
        lanes = [
            Lane(Row(server, CASE, note=note), partial(_list, s3.url, way, repeats, entries))
            for server, (way, repeats) in _WAYS.items()
        ]
        return bench.in_turn(lanes)


def _list(url: str, way: str, repeats: int, entries: int) -> Sample:
    """One process that lists.

    Raises:
        BenchError: it failed, or did not find every key.
    """
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.list_once"]
    command += [way, BUCKET, f"{folder(entries)}/", str(repeats)]
    output = run_to_end(command, aws_environment(S3Endpoint(url)), seconds=_LIST_SECONDS)
    listed = Listed(**json.loads(output))
    if listed.keys != entries:
        raise BenchError(f"{way} lists {listed.keys:,} of {entries:,} keys")
    facts = {
        "seconds": listed.seconds,
        "CPU seconds": listed.cpu_seconds,
        "S3 calls": listed.calls,
        HELD: listed.held_seconds * 1e3,
    }
    milliseconds = listed.seconds * 1e3
    return Sample(1 / listed.seconds, milliseconds, milliseconds, 1, facts=facts)


def _goals() -> list[Goal]:
    goals = []
    for server in (RANGES, RANGES_AGAIN):
        for other in (AIOBOTO3, PAGE_BY_PAGE):
            text = f"{CASE}, {server}: 5 times as fast as {other}"
            goals.append(Goal(text, times_of(CASE, server, other), at_least=5))
        text = f"{CASE}, {server}: event loop never held longer than 20 ms"
        goals.append(Goal(text, fact_of(CASE, server, HELD), at_most=20, unit="ms"))
    return goals


SECTION: Final = Section(
    "listing",
    "A large folder of S3, listed for the first time",
    measure_listing,
    ("seconds", f"x {AIOBOTO3}", "CPU seconds", "S3 calls", HELD),
    _goals(),
)
