"""Who takes part in the warm listings, and what is to be known of each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import peers
from benchmarks.bench import HOME, Bench
from benchmarks.pierhead import run_pierhead
from benchmarks.programs import Program
from benchmarks.s3 import BUCKET

FLOOR: Final = "floor"
STATIC: Final = "nginx, static file"
PIERHEAD: Final = "Pierhead"
PIERHEAD_S3: Final = "Pierhead on S3"
AUTOINDEX: Final = "nginx autoindex"
RCLONE_S3: Final = "rclone on S3"
RCLONE_S3_READING: Final = "rclone on S3, --dir-cache-time 0"

_STATIC_PAGES = "static"


class Contender(NamedTuple):
    """A server.

    Attributes:
        start: starts it, in the directory that is given.
        is_ours: Pierhead, or what says how good Pierhead could be: measured for longer.
        reads_s3: it needs the S3 engine.
        suffix: of the page's path: `/` for a folder.
        note: stands in each of its rows.
        strength: why it wins, where it does.
    """

    name: str
    start: Callable[[Bench, Path], AbstractContextManager[Program]]
    is_ours: bool = False
    reads_s3: bool = False
    suffix: str = "/"
    note: str = ""
    strength: str = ""


def _pierhead(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return run_pierhead(directory, f"file://{bench.tree}")


def _pierhead_on_s3(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return run_pierhead(directory, f"s3://{BUCKET}", environ=bench.s3().aws_environment())


def keep_static_page(bench: Bench, name: str, body: bytes) -> None:
    """Let nginx send this, as the file of that name."""
    pages = bench.directory / _STATIC_PAGES
    pages.mkdir(parents=True, exist_ok=True)
    (pages / name).write_bytes(body)


def _static(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    keep_static_page(bench, "index.html", b"")  # what tells that it is ready
    return peers.run_nginx(directory, bench.directory / _STATIC_PAGES, "default_type text/html;")


def _autoindex(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_nginx(directory, bench.tree, "autoindex on;")


def _fancyindex(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_nginx(directory, bench.tree, "fancyindex on;", module=peers.FANCYINDEX)


def _apache(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_apache(directory, bench.tree)


def _caddy(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_caddy(directory, bench.tree)


def _rclone(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_rclone(directory, bench.tree)


def _rclone_on_s3(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_rclone_on_s3(directory, bench.s3())


def _rclone_reading_s3(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_rclone_on_s3(directory, bench.s3(), keeps_folders=False)


def _copyparty(bench: Bench, directory: Path) -> AbstractContextManager[Program]:
    return peers.run_copyparty(directory, bench.tree, venv=HOME / "copyparty")


_READS_DIRECTORY = "reads the directory for every request; it is in the kernel's memory and short"

CONTENDERS: Final = (
    Contender(PIERHEAD, _pierhead, is_ours=True),
    Contender(PIERHEAD_S3, _pierhead_on_s3, is_ours=True, reads_s3=True),
    Contender(
        STATIC,
        _static,
        is_ours=True,
        suffix="",
        note="the same body, made beforehand",
        strength="C throughout, sendfile() of one file; no rules, no freshness, no log",
    ),
    Contender(AUTOINDEX, _autoindex, strength=f"C throughout; {_READS_DIRECTORY}"),
    Contender("nginx fancyindex", _fancyindex, strength=f"C throughout; {_READS_DIRECTORY}"),
    Contender("Apache mod_autoindex", _apache, strength=f"C throughout; {_READS_DIRECTORY}"),
    Contender("Caddy file_server browse", _caddy, strength=f"Go; {_READS_DIRECTORY}"),
    Contender("rclone serve http", _rclone, strength="Go; keeps directories in memory for five minutes"),
    Contender(
        RCLONE_S3, _rclone_on_s3, reads_s3=True, strength="Go; keeps directories in memory for five minutes"
    ),
    Contender(RCLONE_S3_READING, _rclone_reading_s3, reads_s3=True, note="asks S3 for each request"),
    Contender(
        "copyparty", _copyparty, note="the page is made by a script in the browser", strength=_READS_DIRECTORY
    ),
)

SERVERS: Final = (FLOOR, *(contender.name for contender in CONTENDERS))
"""Everybody's name, in the order of the tables."""
