"""A large file of S3: from Pierhead, and by the same client straight from the engine."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from app.storage.s3.sigv4 import Address, Credentials, Presigner, Term
from benchmarks.bench import Bench
from benchmarks.contenders import PIERHEAD_S3
from benchmarks.load import sample_of
from benchmarks.pierhead import run_pierhead
from benchmarks.programs import Program, run_to_end
from benchmarks.results import BenchError, Row, Sample
from benchmarks.s3 import BUCKET, S3

MIB: Final = 1024 * 1024
SIZE: Final = 256 * MIB
STRAIGHT: Final = "the S3 engine itself"
CASE: Final = f"{SIZE // MIB} MiB, curl"

_NAME = "download/image.bin"
_CURL_SECONDS = 120
_SIGNED_SECONDS = 3600


class _Source(NamedTuple):
    """Where curl gets the file.

    Attributes:
        program: whose CPU time counts; None for the engine, which shares its core with curl.
    """

    server: str
    url: str
    program: Program | None


def measure_downloads(bench: Bench) -> list[Row]:
    """Both in turn. Engine and client are on the load generator's core, Pierhead on its own."""
    rows = {name: Row("downloads", name, CASE) for name in (STRAIGHT, PIERHEAD_S3)}
    try:
        with ExitStack() as stack:
            s3 = bench.s3()
            bench.say("downloads, storing the file")
            _store(s3, bench.directory / "download")
            environ = {**s3.aws_environment(), "PIERHEAD_DELIVERY": "proxy"}
            server = run_pierhead(bench.directory / "proxy", f"s3://{BUCKET}", environ=environ)
            program = stack.enter_context(server)
            sources = (
                _Source(STRAIGHT, _signed_url(s3), None),
                _Source(PIERHEAD_S3, f"{program.url}/{_NAME}", program),
            )
            for repetition in range(bench.options.repetitions):
                for source in sources if repetition % 2 == 0 else reversed(sources):
                    bench.say(f"downloads, {source.server} ({repetition + 1})")
                    row, sample = rows[source.server], _measure(source, bench.options.seconds)
                    rows[source.server] = replace(row, samples=(*row.samples, sample))
    except (BenchError, OSError) as error:
        return [row.failed(error) for row in rows.values()]
    return list(rows.values())


def _store(s3: S3, directory: Path) -> None:
    directory.mkdir()
    file = directory / "image.bin"
    with file.open("wb") as output:
        output.truncate(SIZE)
    s3.upload(directory, "copyto", str(file), f":s3:{BUCKET}/{_NAME}")


def _signed_url(s3: S3) -> str:
    address = Address(s3.endpoint.url, f"/{BUCKET}", "us-east-1")
    credentials = Credentials(s3.endpoint.access_key, s3.endpoint.secret_key, None, None)
    term = Term.around(time.time(), _SIGNED_SECONDS, ends_by=None)
    return Presigner(address).presign(credentials, "GET", _NAME, {}, term)


def _measure(source: _Source, seconds: float) -> Sample:
    """One download after the other. The rate of the sample is in MiB a second."""
    _download(source)
    taken: list[float] = []
    used, started = _cpu_seconds(source), time.perf_counter()
    while not taken or time.perf_counter() - started < seconds:
        taken.append(_download(source))
    busy = (_cpu_seconds(source) - used) / (time.perf_counter() - started)
    sample = sample_of(taken, busy=busy)
    return replace(sample, rate=sample.rate * SIZE / MIB)


def _cpu_seconds(source: _Source) -> float:
    return source.program.cpu_seconds() if source.program else 0.0


def _download(source: _Source) -> float:
    """Seconds that it took, as curl has counted them.

    Raises:
        BenchError: it is not the whole file.
    """
    form = "%{http_code} %{size_download} %{time_total}"
    command = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", form]
    status, size, seconds = run_to_end([*command, source.url], seconds=_CURL_SECONDS).split()
    if (status, size) != ("200", str(SIZE)):
        raise BenchError(f"{source.server}: status {status}, {size} of {SIZE} bytes")
    return float(seconds)
