"""A large folder of S3 that nobody has asked for yet: how soon it begins, and what others notice meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.beside import asked_all_the_time
from benchmarks.contenders import PIERHEAD_S3
from benchmarks.listing import ENTRIES, QUICK_ENTRIES
from benchmarks.load import Answer, Target, get, sample_of
from benchmarks.pierhead import run_pierhead
from benchmarks.programs import Program
from benchmarks.results import BenchError, Row
from benchmarks.s3 import BUCKET, aws_environment, run_made_up_s3
from benchmarks.slow_s3 import FAST_SECONDS
from benchmarks.tree import COLD_ENTRIES, check_listing, cold_folder, file_name, folder

ALONE: Final = "nothing else"
FORMATS: Final = ("html", "ndjson")

FIRST_ENTRY, WHOLE = "first entry", "whole"
"""Facts: the longest that it took until the first entry, and the last byte, of the large folder were there, in
milliseconds."""

_ALONE_SECONDS = 2.0
_ANSWER_SECONDS = 60
_PIECE = 64 * 1024
_ANY_FILE = file_name(0).partition("0")[0].encode()


def case_of(form: str) -> str:
    """How a row says what else is asked for."""
    return f"meanwhile, {ENTRIES:,} entries as {form}, never asked for before"


def measure_served_listing(bench: Bench) -> list[Row]:
    """A small warm page, asked for all the time: alone, and while a large folder is listed."""
    entries = QUICK_ENTRIES if bench.options.quick else ENTRIES
    note = f"of {entries:,} entries only" if bench.options.quick else ""
    rows = {form: Row("served-listing", PIERHEAD_S3, case_of(form), note=note) for form in FORMATS}
    rows[ALONE] = Row("served-listing", PIERHEAD_S3, ALONE)
    try:
        with run_made_up_s3(bench.directory / "served-s3", entries=entries, delay=FAST_SECONDS) as s3:
            for repetition in range(bench.options.repetitions):
                for form in FORMATS:
                    bench.say(f"served-listing, {form} ({repetition + 1})")
                    directory = bench.directory / f"served-{form}-{repetition}"
                    environ = aws_environment(s3)
                    with run_pierhead(directory, f"s3://{BUCKET}", environ=environ) as program:
                        _measure(rows, program, form, entries)
    except (BenchError, OSError) as error:
        return [row.failed(error) for row in rows.values()]
    return [rows[name] for name in (ALONE, *FORMATS)]


def _measure(rows: dict[str, Row], program: Program, form: str, entries: int) -> None:
    """One large folder, once; and before it, the warm page with nothing beside."""
    page = Target(program, f"/{cold_folder(0)}/")
    check_listing(get(page), COLD_ENTRIES)
    if form == FORMATS[0]:
        with asked_all_the_time(page) as alone:
            time.sleep(_ALONE_SECONDS)
        rows[ALONE] = replace(rows[ALONE], samples=(*rows[ALONE].samples, sample_of(alone)))
    with asked_all_the_time(page) as beside:
        taken = _take(program, f"/{folder(entries)}/?format={form}")
    check_listing(taken, entries)
    row = rows[form]
    facts = {
        FIRST_ENTRY: max(taken.first_byte * 1e3, row.facts.get(FIRST_ENTRY, 0.0)),
        WHOLE: max(taken.seconds * 1e3, row.facts.get(WHOLE, 0.0)),
    }
    rows[form] = replace(row, samples=(*row.samples, sample_of(beside)), facts=facts)


def _take(program: Program, path: str) -> Answer:
    """Ask for a page on a connection of its own. Its `first_byte` is the first that names a file."""
    connection = HTTPConnection(urlsplit(program.url).netloc, timeout=_ANSWER_SECONDS)
    body, first_entry, started = bytearray(), 0.0, perf_counter()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        while piece := answer.read1(_PIECE):
            body += piece
            if not first_entry and _ANY_FILE in body:
                first_entry = perf_counter() - started
    except (OSError, HTTPException) as error:
        raise BenchError(f"no answer to {path}: {error!r}") from error
    finally:
        connection.close()
    whole = perf_counter() - started
    return Answer(answer.status, (), bytes(body), first_entry, whole)
