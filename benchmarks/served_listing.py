"""A large folder of S3 that nobody has asked for yet: how soon it begins, and what others notice meanwhile."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection, HTTPException
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.bench import LATENCY, Bench, Lane, Section
from benchmarks.client import Answer
from benchmarks.listing import ENTRIES, QUICK_ENTRIES
from benchmarks.load import asked_all_the_time, sample_of
from benchmarks.programs import Program
from benchmarks.results import BenchError, Goal, Row, Sample, fact_of
from benchmarks.s3 import STORAGE, aws_environment
from benchmarks.servers import PIERHEAD_S3
from benchmarks.slow_s3 import FAST_SECONDS
from benchmarks.tree import check_listing, file_name, folder, small_page
from tests.support.aws import S3Endpoint

FORMATS: Final = ("html", "ndjson")
FIRST_ENTRY: Final = "first entry of the folder ms"
MOST_TO_FIRST_ENTRY: Final = 2 * FAST_SECONDS * 1e3
"""Milliseconds: two round trips to S3, all else included."""

_ALONE_SECONDS = 2.0
_ANSWER_SECONDS = 60
_PIECE = 64 * 1024
_ANY_FILE = file_name(0).partition("0")[0].encode()


def case_of(form: str) -> str:
    """How a row says what else is asked for; nothing else where the form is empty."""
    return f"meanwhile, {ENTRIES:,} entries as {form}, never asked for before" if form else "nothing else"


def measure_served_listing(bench: Bench) -> list[Row]:
    """A small warm page, asked for all the time: alone, and while a large folder is listed."""
    entries = QUICK_ENTRIES if bench.options.quick else ENTRIES
    note = f"of {entries:,} entries only" if bench.options.quick else ""
    with servers.made_up_s3(bench.place("made-up S3"), entries=entries, delay=FAST_SECONDS) as s3:
        return bench.in_turn(
            [
                Lane(
                    Row(PIERHEAD_S3, case_of(form), note=note),
                    partial(_measure, bench, s3.url, form, entries),
                )
                for form in ("", *FORMATS)
            ]
        )


def _measure(bench: Bench, s3: str, form: str, entries: int) -> Sample:
    """One new server, and one large folder."""
    environ = aws_environment(S3Endpoint(s3))
    with servers.pierhead(bench.place("served"), STORAGE, environ=environ) as program:
        page = small_page(program)
        with asked_all_the_time(page) as beside:
            if form:
                whole = _take(program, f"/{folder(entries)}/?format={form}")
            else:
                time.sleep(_ALONE_SECONDS)
    facts = {}
    if form:
        check_listing(whole, entries)
        facts = {FIRST_ENTRY: whole.first_byte * 1e3, "all of it ms": whole.seconds * 1e3}
    return replace(sample_of(beside), facts=facts)


def _take(program: Program, path: str) -> Answer:
    """Ask for a page on a connection of its own. Its `first_byte` is the first that names a file."""
    body, first_entry, started = bytearray(), 0.0, perf_counter()
    with closing(HTTPConnection(urlsplit(program.url).netloc, timeout=_ANSWER_SECONDS)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            while piece := answer.read1(_PIECE):
                body += piece
                if not first_entry and _ANY_FILE in body:
                    first_entry = perf_counter() - started
        except (OSError, HTTPException) as error:
            raise BenchError(f"no answer to {path}: {error!r}") from error
    return Answer(answer.status, (), bytes(body), first_entry, perf_counter() - started)


def _goals() -> list[Goal]:
    goals = []
    for case in map(case_of, FORMATS):
        text = f"{case}: first entry within two round trips to S3 ({MOST_TO_FIRST_ENTRY:g} ms)"
        figure = fact_of(case, PIERHEAD_S3, FIRST_ENTRY)
        goals.append(Goal(text, figure, at_most=MOST_TO_FIRST_ENTRY, unit="ms"))
        text = f"{case}: p99 of the warm page at most 20 ms"
        goals.append(Goal(text, fact_of(case, PIERHEAD_S3, "p99"), at_most=20, unit="ms"))
    return goals


SECTION: Final = Section(
    "served-listing",
    "A warm page while a large folder is listed",
    measure_served_listing,
    (*LATENCY, FIRST_ENTRY, "all of it ms"),
    _goals(),
)
