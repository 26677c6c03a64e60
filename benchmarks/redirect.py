"""Downloads from S3 that are answered by a redirect: the same public file, again and again.

A followed redirect would be S3's answer, and say nothing of Pierhead: what is measured is the redirect alone.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.contenders import FLOOR, PIERHEAD_S3
from benchmarks.floor import capture, check_same
from benchmarks.lanes import CONNECTIONS, Lane, measure_in_turn
from benchmarks.load import Answer, Target, get
from benchmarks.pierhead import run_floor, run_pierhead
from benchmarks.programs import PROJECT
from benchmarks.results import BenchError, Row
from benchmarks.s3 import BUCKET
from benchmarks.tree import file_name, folder

CASE = "a public file, by redirect"
REDIRECTED = 302


def measure_redirect(bench: Bench) -> list[Row]:
    """Pierhead on the S3 engine, and beside it the floor that sends what Pierhead has just sent."""
    row = Row("redirect", PIERHEAD_S3, CASE)
    directory = bench.directory / "redirect"
    try:
        with ExitStack() as stack:
            environ = bench.s3().aws_environment()
            server = run_pierhead(directory / "pierhead", f"s3://{BUCKET}", environ=environ)
            path = f"/{folder(min(bench.s3().sizes))}/{file_name(0)}"
            target = Target(stack.enter_context(server), path, status=REDIRECTED)
            answer = get(target)
            _check(answer)
            capture(answer, directory / "captured")
            floor = run_floor(directory / "floor", directory / "captured", PROJECT)
            at_floor = target._replace(program=stack.enter_context(floor))
            check_same(answer, get(at_floor))
            seconds = bench.options.seconds
            pairs = ((row, target), (replace(row, server=FLOOR), at_floor))
            return measure_in_turn(bench, [Lane(*pair, CONNECTIONS, seconds) for pair in pairs])
    except (BenchError, OSError) as error:
        return [row.failed(error)]


def _check(answer: Answer) -> None:
    location = dict(answer.headers).get("location", "")
    if answer.status != REDIRECTED or "X-Amz-Signature=" not in location:
        raise BenchError(f"status {answer.status} and no signed URL")
