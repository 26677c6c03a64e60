"""A large file of S3: from Pierhead, and by the same client straight from the engine."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from app.storage.s3.sigv4 import Address, Credentials, Presigner, Term
from benchmarks.bench import Bench, Lane, Section
from benchmarks.contenders import pierhead_on_s3
from benchmarks.load import download
from benchmarks.results import Goal, Row, times_of
from benchmarks.s3 import BUCKET, upload
from benchmarks.servers import PIERHEAD_S3
from benchmarks.tree import make_file
from tests.support.aws import S3Endpoint

MIB: Final = 1024 * 1024
SIZE: Final = 256 * MIB
STRAIGHT: Final = "the S3 engine itself"
CASE: Final = f"{SIZE // MIB} MiB, curl"

_NAME = "download/image.bin"
_SIGNED_SECONDS = 3600


def measure_downloads(bench: Bench) -> list[Row]:
    """Both in turn. Engine and client are on the load generator's core, Pierhead on its own."""
    bench.say("downloads, storing the file")
    directory = bench.place("download")
    make_file(directory / "image.bin", SIZE)
    upload(bench.s3, directory, "copyto", str(directory / "image.bin"), f":s3:{BUCKET}/{_NAME}")
    with pierhead_on_s3(bench, PIERHEAD_DELIVERY="proxy") as program:
        take, seconds = partial(download, size=SIZE), bench.options.seconds
        straight = partial(take, _signed_url(bench.s3), program=None, seconds=seconds)
        ours = partial(take, f"{program.url}/{_NAME}", program=program, seconds=seconds)
        return bench.in_turn([Lane(Row(STRAIGHT, CASE), straight), Lane(Row(PIERHEAD_S3, CASE), ours)])


def _signed_url(s3: S3Endpoint) -> str:
    address = Address(s3.url, f"/{BUCKET}", "us-east-1")
    credentials = Credentials(s3.access_key, s3.secret_key, None, None)
    term = Term.around(time.time(), _SIGNED_SECONDS, ends_by=None)
    return Presigner(address).presign(credentials, "GET", _NAME, {}, term)


SECTION: Final = Section(
    "downloads",
    "Download from S3 through Pierhead",
    measure_downloads,
    ("MiB/s", f"x {STRAIGHT}", "cores busy"),
    (
        Goal(
            f"{CASE}: at least 0.8 of the speed straight from the S3 engine",
            times_of(CASE, PIERHEAD_S3, STRAIGHT),
            at_least=0.8,
        ),
    ),
)
