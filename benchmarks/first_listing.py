"""A large folder of S3 that nobody has asked for yet, where each call takes 30 ms.

First Pierhead's lister and others, each in a process of its own; then a server, and what others notice meanwhile.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks.bench import LATENCY, Bench, Lane, Section
from benchmarks.client import Target, get
from benchmarks.list_once import Listed
from benchmarks.load import asked_all_the_time, sample_of
from benchmarks.programs import SERVER_CORE, run_to_end
from benchmarks.results import BenchError, Goal, Row, Sample, fact_goal, speed_goal
from benchmarks.s3 import aws_environment
from benchmarks.servers import PIERHEAD_S3, made_up_s3, pierhead_on_s3
from benchmarks.slow_s3 import FAST_SECONDS
from benchmarks.tree import check_listing, file_name, folder, small_page
from tests.support.aws import BUCKET, S3Endpoint

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

FORMATS: Final = ("html", "ndjson")
FIRST_ENTRY: Final = "first entry of the folder ms"
MOST_TO_FIRST_ENTRY: Final = 2 * FAST_SECONDS * 1e3
"""Milliseconds: two round trips to S3, all else included."""
_ALONE_SECONDS = 2.0
_ANY_FILE = file_name(0).partition("0")[0].encode()


def measure_listing(bench: Bench) -> list[Row]:
    """Each way in a process of its own, on the servers' core and in turn."""
    entries, note = _size(bench, "keys")
    with made_up_s3(bench, entries=entries, delay=FAST_SECONDS) as s3:
        return bench.in_turn(
            [
                Lane(Row(server, CASE, note=note), partial(_list, s3.url, *way, entries))
                for server, way in _WAYS.items()
            ]
        )


def _size(bench: Bench, unit: str) -> tuple[int, str]:
    """How many entries the folder has, and a note where they are fewer than they should be."""
    return (QUICK_ENTRIES, f"of {QUICK_ENTRIES:,} {unit} only") if bench.options.quick else (ENTRIES, "")


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
    return replace(sample_of([listed.seconds]), facts=facts)


def _listing_goals() -> list[Goal]:
    goals = []
    for server in (RANGES, RANGES_AGAIN):
        about = f"{CASE}, {server}"
        goals += [
            speed_goal(f"{about}: 5 times as fast as {other}", CASE, server, other, at_least=5)
            for other in (AIOBOTO3, PAGE_BY_PAGE)
        ]
        text = f"{about}: event loop never held longer than 20 ms"
        goals.append(fact_goal(text, CASE, server, HELD, at_most=20, unit="ms"))
    return goals


LISTING: Final = Section(
    "listing",
    "A large folder of S3, listed for the first time",
    measure_listing,
    ("seconds", f"x {AIOBOTO3}", "CPU seconds", "S3 calls", HELD),
    _listing_goals(),
)


def case_of(form: str) -> str:
    """How a row says what else is asked for; nothing else where the form is empty."""
    return f"meanwhile, {ENTRIES:,} entries as {form}, never asked for before" if form else "nothing else"


def measure_served_listing(bench: Bench) -> list[Row]:
    """A small warm page, asked for all the time: alone, and while a large folder is listed."""
    entries, note = _size(bench, "entries")
    with made_up_s3(bench, entries=entries, delay=FAST_SECONDS) as s3:
        return bench.in_turn(
            [
                Lane(
                    Row(PIERHEAD_S3, case_of(form), note=note), partial(_serve, bench, s3.url, form, entries)
                )
                for form in ("", *FORMATS)
            ]
        )


def _serve(bench: Bench, s3: str, form: str, entries: int) -> Sample:
    """One new server, and one large folder."""
    facts = {}
    with pierhead_on_s3(bench, S3Endpoint(s3)) as program, asked_all_the_time(small_page(program)) as beside:
        if form:
            whole = get(Target(program, f"/{folder(entries)}/?format={form}"), _ANY_FILE)
        else:
            time.sleep(_ALONE_SECONDS)
    if form:
        check_listing(whole, entries)
        facts = {FIRST_ENTRY: whole.first_byte * 1e3, "all of it ms": whole.seconds * 1e3}
    return replace(sample_of(beside), facts=facts)


def _served_goals() -> list[Goal]:
    goals = []
    for case in map(case_of, FORMATS):
        text = f"{case}: first entry within two round trips to S3 ({MOST_TO_FIRST_ENTRY:g} ms)"
        goals.append(fact_goal(text, case, PIERHEAD_S3, FIRST_ENTRY, at_most=MOST_TO_FIRST_ENTRY, unit="ms"))
        text = f"{case}: p99 of the warm page at most 20 ms"
        goals.append(fact_goal(text, case, PIERHEAD_S3, "p99", at_most=20, unit="ms"))
    return goals


SERVED_LISTING: Final = Section(
    "served-listing",
    "A warm page while a large folder is listed",
    measure_served_listing,
    (*LATENCY, FIRST_ENTRY, "all of it ms"),
    _served_goals(),
)
