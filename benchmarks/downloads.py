"""Downloads: files of a directory beside nginx, a redirect to S3 beside the floor, and a large file of S3."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import Final

from app.storage.s3.sigv4 import Address, Credentials, Presigner, Term
from benchmarks.bench import ALL, LATENCY, Bench, Lane, Section
from benchmarks.client import Target, get
from benchmarks.floor import beside_floor
from benchmarks.load import CONNECTIONS, download, load
from benchmarks.results import BenchError, Row, speed_goal
from benchmarks.s3 import upload
from benchmarks.servers import FLOOR, NGINX_FILE, PIERHEAD, PIERHEAD_S3, nginx, pierhead, pierhead_on_s3
from benchmarks.tree import cold_folder, file_name, make_file
from tests.support.aws import BUCKET, S3Endpoint

SMALL_BYTES: Final = 4 * 1024
LARGE_BYTES: Final = 512 * 2**20
SMALL: Final = "4 KiB, requests/s"
LARGE: Final = "512 MiB with curl, MiB/s"
REDIRECTED: Final = "a public file, by redirect"
SIZE: Final = 256 * 2**20
STRAIGHT: Final = "the S3 engine itself"
CASE: Final = f"{SIZE // 2**20} MiB, curl"

_NAME = "download/image.bin"
_SIGNED_SECONDS = 3600


def measure_files(bench: Bench) -> list[Row]:
    """A small file again and again and a large one with curl, from both servers, in turn."""
    root, seconds = bench.place("files"), bench.options.seconds
    make_file(root / "small.bin", SMALL_BYTES)
    make_file(root / "large.bin", LARGE_BYTES)
    small, large = [], []
    with ExitStack() as stack:
        for server, start in (
            (PIERHEAD, pierhead(bench, f"file://{root}")),
            (NGINX_FILE, nginx(bench, root)),
        ):
            program = stack.enter_context(start)
            target = Target(program, "/small.bin")
            if get(target).body != bytes(SMALL_BYTES):
                raise BenchError(f"{server} sends something else")
            small.append(Lane(Row(server, SMALL), partial(load, target, seconds)))
            take = partial(download, f"{program.url}/large.bin", LARGE_BYTES, program, seconds=seconds)
            large.append(Lane(Row(server, LARGE), take))
        return bench.in_turn([*small, *large])


def measure_redirect(bench: Bench) -> list[Row]:
    """The redirect alone: a followed one would be S3's answer, and say nothing of Pierhead."""
    with ExitStack() as stack:
        program = stack.enter_context(pierhead_on_s3(bench))
        target = Target(program, f"/{cold_folder(0)}/{file_name(0)}", status=302)
        answer = get(target)
        location = dict(answer.headers).get("location", "")
        if answer.status != target.status or "X-Amz-Signature=" not in location:
            raise BenchError(f"status {answer.status} and no signed URL")
        row = Row(PIERHEAD_S3, REDIRECTED)
        return bench.in_turn(beside_floor(bench, stack, row, target, answer, CONNECTIONS))


def measure_downloads(bench: Bench) -> list[Row]:
    """Both in turn. Engine and client are on the load generator's core, Pierhead on its own."""
    bench.say("downloads, storing the file")
    directory = bench.place("download")
    make_file(directory / "image.bin", SIZE)
    upload(bench.s3, directory, "copyto", str(directory / "image.bin"), f":s3:{BUCKET}/{_NAME}")
    with pierhead_on_s3(bench, PIERHEAD_DELIVERY="proxy") as program:
        take = partial(download, size=SIZE, seconds=bench.options.seconds)
        straight = partial(take, _signed_url(bench.s3), program=None)
        ours = partial(take, f"{program.url}/{_NAME}", program=program)
        return bench.in_turn([Lane(Row(STRAIGHT, CASE), straight), Lane(Row(PIERHEAD_S3, CASE), ours)])


def _signed_url(s3: S3Endpoint) -> str:
    address = Address(s3.url, f"/{BUCKET}", "us-east-1")
    credentials = Credentials(s3.access_key, s3.secret_key, None, None)
    term = Term.around(time.time(), _SIGNED_SECONDS, ends_by=None)
    return Presigner(address).presign(credentials, "GET", _NAME, {}, term)


FILES: Final = Section(
    "files",
    "Files of a directory, beside nginx",
    measure_files,
    ("rate", *LATENCY, "cores busy", f"x {NGINX_FILE}"),
    [
        speed_goal(f"{case}: at least {least} of nginx", case, PIERHEAD, NGINX_FILE, at_least=least)
        for case, least in ((SMALL, 0.35), (LARGE, 0.85))
    ],
)

_BESIDE_FLOOR = f"{REDIRECTED}: at least 0.6 of the floor's requests/s"
REDIRECT: Final = Section(
    "redirect",
    "Download from S3 by redirect",
    measure_redirect,
    (*ALL, "x floor"),
    [speed_goal(_BESIDE_FLOOR, REDIRECTED, PIERHEAD_S3, FLOOR, at_least=0.6)],
)

_BESIDE_ENGINE = f"{CASE}: at least 0.8 of the speed straight from the S3 engine"
DOWNLOADS: Final = Section(
    "downloads",
    "Download from S3 through Pierhead",
    measure_downloads,
    ("MiB/s", f"x {STRAIGHT}", "cores busy"),
    [speed_goal(_BESIDE_ENGINE, CASE, PIERHEAD_S3, STRAIGHT, at_least=0.8)],
)
