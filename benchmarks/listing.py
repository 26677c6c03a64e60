"""A large folder of S3 that nobody has listed yet, where each call takes 30 ms: by Pierhead's lister and by others."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Final, NamedTuple

from benchmarks.bench import Bench
from benchmarks.list_once import Listed
from benchmarks.programs import PROJECT, SERVER_CORE, run_to_end
from benchmarks.results import BenchError, Row, Sample
from benchmarks.s3 import BUCKET, aws_environment, run_made_up_s3
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

CALLS, HELD = "S3 calls", "loop held"
"""Facts: the most requests that one listing took, and the longest that the event loop was late, in milliseconds."""

_LIST_SECONDS = 180


class _Way(NamedTuple):
    """How a folder is listed.

    Attributes:
        name: of `list_once.WAYS`.
        servers: what the row is called, for each time that one process lists in this way.
    """

    name: str
    servers: tuple[str, ...]


_WAYS: Final = (
    _Way("aioboto3", (AIOBOTO3,)),
    _Way("page-by-page", (PAGE_BY_PAGE,)),
    _Way("ranges", (RANGES, RANGES_AGAIN)),
)


def measure_listing(bench: Bench) -> list[Row]:
    """Each way in a process of its own, on the servers' core and in turn."""
    entries = QUICK_ENTRIES if bench.options.quick else ENTRIES
    note = f"of {entries:,} keys only" if bench.options.quick else ""
    rows = {server: Row("listing", server, CASE, note=note) for way in _WAYS for server in way.servers}
    try:
        with run_made_up_s3(bench.directory / "listing", entries=entries, delay=FAST_SECONDS) as s3:
            for repetition in range(bench.options.repetitions):
                for way in _WAYS if repetition % 2 == 0 else reversed(_WAYS):
                    bench.say(f"listing, {way.servers[0]} ({repetition + 1})")
                    found = zip(way.servers, _list(s3, way, entries), strict=True)
                    rows |= {server: with_listing(rows[server], listed) for server, listed in found}
    except (BenchError, OSError) as error:
        return [row.failed(error) for row in rows.values()]
    return list(rows.values())


def _list(s3: S3Endpoint, way: _Way, entries: int) -> list[Listed]:
    command = [sys.executable, "-m", "benchmarks.list_once", way.name, BUCKET, f"{folder(entries)}/"]
    output = run_to_end(
        ["taskset", "-c", str(SERVER_CORE), *command, "--times", str(len(way.servers))],
        {**aws_environment(s3), "PYTHONPATH": str(PROJECT)},
        seconds=_LIST_SECONDS,
    )
    listings = [Listed(**fields) for fields in json.loads(output)]
    for listed in listings:
        if listed.keys != entries:
            raise BenchError(f"{way.name} lists {listed.keys:,} of {entries:,} keys")
    return listings


def with_listing(row: Row, listed: Listed) -> Row:
    """A row with one more listing."""
    seconds, busy = listed.seconds, listed.cpu_seconds / listed.seconds
    sample = Sample(1 / seconds, seconds * 1e3, seconds * 1e3, 1, 0, busy)
    facts = {
        CALLS: max(listed.calls, row.facts.get(CALLS, 0)),
        HELD: max(listed.held_seconds * 1e3, row.facts.get(HELD, 0.0)),
    }
    return replace(row, samples=(*row.samples, sample), facts=facts)
