"""Downloads from S3 that are answered by a redirect: the same public file, again and again.

A followed redirect would be S3's answer, and say nothing of Pierhead: what is measured is the redirect alone.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from benchmarks.bench import ALL, Bench, Section
from benchmarks.client import Target, get
from benchmarks.contenders import pierhead_on_s3
from benchmarks.floor import beside_floor
from benchmarks.load import CONNECTIONS
from benchmarks.results import BenchError, Goal, Row, times_of
from benchmarks.servers import FLOOR, PIERHEAD_S3
from benchmarks.tree import cold_folder, file_name

CASE: Final = "a public file, by redirect"
REDIRECTED: Final = 302


def measure_redirect(bench: Bench) -> list[Row]:
    """Pierhead on the S3 engine, and beside it the floor that sends what Pierhead has just sent."""
    with ExitStack() as stack:
        program = stack.enter_context(pierhead_on_s3(bench))
        target = Target(program, f"/{cold_folder(0)}/{file_name(0)}", status=REDIRECTED)
        answer = get(target)
        location = dict(answer.headers).get("location", "")
        if answer.status != REDIRECTED or "X-Amz-Signature=" not in location:
            raise BenchError(f"status {answer.status} and no signed URL")
        row = Row(PIERHEAD_S3, CASE)
        return bench.in_turn(beside_floor(bench, stack, row, target, answer, CONNECTIONS))


SECTION: Final = Section(
    "redirect",
    "Download from S3 by redirect",
    measure_redirect,
    (*ALL, "x floor"),
    (
        Goal(
            f"{CASE}: at least 0.6 of the floor's requests/s",
            times_of(CASE, PIERHEAD_S3, FLOOR),
            at_least=0.6,
        ),
    ),
)
