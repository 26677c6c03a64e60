"""Who takes part in the warm listings, and what a reader has to know about each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from benchmarks import servers
from benchmarks.bench import HOME, Bench
from benchmarks.programs import Program
from benchmarks.s3 import BUCKET, STORAGE, aws_environment, rclone_environment
from benchmarks.servers import AUTOINDEX, FLOOR, NGINX_FILE, PIERHEAD, PIERHEAD_S3

RCLONE: Final = "rclone serve http"
RCLONE_S3: Final = "rclone on S3"
RCLONE_S3_READING: Final = "rclone on S3, --dir-cache-time 0"
LISTING_PEERS: Final = (AUTOINDEX, "nginx fancyindex", "Apache mod_autoindex", "Caddy file_server browse")

_READS: Final = "reads the directory for every request; it is in the kernel's memory and short"
_KEEPS: Final = "Go; keeps directories in memory for five minutes"


class Contender(NamedTuple):
    """A server.

    Attributes:
        is_ours: Pierhead, or what says how good Pierhead could be: measured for longer.
        reads_s3: it needs the S3 engine.
        suffix: of the page's path: `/` for a folder.
        note: stands in each of its rows.
        strength: why it wins, where it does.
    """

    name: str
    start: Callable[[Bench], AbstractContextManager[Program]]
    is_ours: bool = False
    reads_s3: bool = False
    suffix: str = "/"
    note: str = ""
    strength: str = ""


def keep_static_page(bench: Bench, name: str, body: bytes) -> None:
    """Let nginx send this, as the file of that name."""
    pages = bench.directory / "static"
    pages.mkdir(exist_ok=True)
    (pages / name).write_bytes(body)


def pierhead_on_s3(bench: Bench, url: str | None = None, **settings: str) -> AbstractContextManager[Program]:
    """Pierhead on the S3 engine.

    Args:
        url: of a proxy before the engine.
        settings: `PIERHEAD_*`.
    """
    return servers.pierhead(
        bench.place(PIERHEAD_S3), STORAGE, environ=aws_environment(bench.s3, url) | settings
    )


def rclone_on_s3(
    bench: Bench, url: str | None = None, *, keeps_folders: bool = True
) -> AbstractContextManager[Program]:
    """rclone on the S3 engine. Times are those of S3: for another one, rclone would ask S3 once more for each file.

    Args:
        url: of a proxy before the engine.
        keeps_folders: for five minutes, as is its default; or asks S3 for each request.
    """
    options = "--use-server-modtime" + ("" if keeps_folders else " --dir-cache-time 0")
    environ = rclone_environment(bench.s3, url)
    return servers.rclone(bench.place(RCLONE_S3), f":s3:{BUCKET}", environ, options)


def _fancyindex(bench: Bench) -> AbstractContextManager[Program]:
    place = bench.place("nginx fancyindex")
    return servers.nginx(place, bench.tree, "fancyindex on;", module=servers.FANCYINDEX)


CONTENDERS: Final = (
    Contender(PIERHEAD, lambda b: servers.pierhead(b.place(PIERHEAD), f"file://{b.tree}"), is_ours=True),
    Contender(PIERHEAD_S3, pierhead_on_s3, is_ours=True, reads_s3=True),
    Contender(
        NGINX_FILE,
        lambda b: servers.nginx(b.place(NGINX_FILE), b.directory / "static", "default_type text/html;"),
        is_ours=True,
        suffix="",
        note="the same body, made beforehand",
        strength="C throughout, sendfile() of one file; no rules, no freshness, no log",
    ),
    Contender(
        AUTOINDEX,
        lambda b: servers.nginx(b.place(AUTOINDEX), b.tree, "autoindex on;"),
        strength=f"C throughout; {_READS}",
    ),
    Contender(LISTING_PEERS[1], _fancyindex, strength=f"C throughout; {_READS}"),
    Contender(
        LISTING_PEERS[2],
        lambda b: servers.apache(b.place("apache"), b.tree),
        strength=f"C throughout; {_READS}",
    ),
    Contender(LISTING_PEERS[3], lambda b: servers.caddy(b.place("caddy"), b.tree), strength=f"Go; {_READS}"),
    Contender(RCLONE, lambda b: servers.rclone(b.place(RCLONE), b.tree), strength=_KEEPS),
    Contender(RCLONE_S3, rclone_on_s3, reads_s3=True, strength=_KEEPS),
    Contender(
        RCLONE_S3_READING,
        lambda b: rclone_on_s3(b, keeps_folders=False),
        reads_s3=True,
        note="asks S3 for each request",
    ),
    Contender(
        "copyparty",
        lambda b: servers.copyparty(b.place("copyparty"), b.tree, HOME / "copyparty"),
        note="the page is made by a script in the browser",
        strength=_READS,
    ),
)

SERVERS: Final = (FLOOR, *(contender.name for contender in CONTENDERS))
"""Everybody's name, in the order of the tables."""
