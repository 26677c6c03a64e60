"""Cold listings: folders that the server has never been asked for, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks import peers
from benchmarks.bench import Bench
from benchmarks.contenders import AUTOINDEX, PIERHEAD, PIERHEAD_S3, RCLONE_S3
from benchmarks.delaying_proxy import DelayingProxy
from benchmarks.load import Client, sample_of
from benchmarks.pierhead import run_pierhead
from benchmarks.programs import Program
from benchmarks.results import BenchError, Row, Sample
from benchmarks.s3 import BUCKET
from benchmarks.slow_s3 import FAST, FAST_SECONDS, SLOW, SLOW_SECONDS
from benchmarks.tree import COLD_ENTRIES, COLD_FOLDERS, check_listing, cold_folder

ON_DIRECTORY = "directory"


class _Way(NamedTuple):
    """A server with nothing in memory, and how to start it."""

    server: str
    start: Callable[[Path], AbstractContextManager[Program]]


def measure_cold(bench: Bench) -> list[Row]:
    """Pierhead and its peers on a directory, and those that read S3 on S3 as it is near and far."""
    rows = _measure(bench, ON_DIRECTORY, _on_directory(bench))
    for case, delay in ((FAST, FAST_SECONDS), (SLOW, SLOW_SECONDS)):
        try:
            with DelayingProxy(bench.s3().endpoint.url) as proxy:
                proxy.delay = delay
                rows += _measure(bench, case, _on_s3(bench, proxy))
        except (BenchError, OSError) as error:
            rows += [Row("cold", name, case).failed(error) for name in (PIERHEAD_S3, RCLONE_S3)]
    return rows


def _on_directory(bench: Bench) -> list[_Way]:
    return [
        _Way(PIERHEAD, lambda directory: run_pierhead(directory, f"file://{bench.tree}")),
        _Way(AUTOINDEX, lambda directory: peers.run_nginx(directory, bench.tree, "autoindex on;")),
        _Way("rclone serve http", lambda directory: peers.run_rclone(directory, bench.tree)),
    ]


def _on_s3(bench: Bench, proxy: DelayingProxy) -> list[_Way]:
    s3 = bench.s3()
    environ = s3.aws_environment(proxy.url)
    return [
        _Way(PIERHEAD_S3, lambda directory: run_pierhead(directory, f"s3://{BUCKET}", environ=environ)),
        _Way(RCLONE_S3, lambda directory: peers.run_rclone_on_s3(directory, s3, url=proxy.url)),
    ]


def _measure(bench: Bench, case: str, ways: Sequence[_Way]) -> list[Row]:
    samples: dict[str, list[Sample]] = {way.server: [] for way in ways}
    rows = {way.server: Row("cold", way.server, case) for way in ways}
    for repetition in range(bench.options.repetitions):
        for way in ways if repetition % 2 == 0 else reversed(ways):
            bench.say(f"cold, {case}, {way.server} ({repetition + 1})")
            directory = bench.directory / "-".join(("cold", case, way.server, str(repetition))).replace(
                " ", "-"
            )
            try:
                with way.start(directory) as program:
                    samples[way.server].append(_browse(program))
            except (BenchError, OSError) as error:
                rows[way.server] = rows[way.server].failed(error)
    return [row if row.failure else replace(row, samples=tuple(samples[name])) for name, row in rows.items()]


def _browse(program: Program) -> Sample:
    """Ask for every folder once. The first one opens connections to S3 and is not counted."""
    client = Client(program.url)
    taken: list[float] = []
    try:
        for number in range(COLD_FOLDERS):
            answer = client.get(f"/{cold_folder(number)}/")
            check_listing(answer, COLD_ENTRIES)
            taken.append(answer.seconds)
    finally:
        client.close()
    return sample_of(taken[1:])
