"""Files of a directory: a small one again and again, and a large one with curl. nginx sends the same files."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Final

from benchmarks import servers
from benchmarks.bench import LATENCY, Bench, Lane, Section
from benchmarks.client import Target, get
from benchmarks.load import download, load
from benchmarks.results import BenchError, Goal, Row, times_of
from benchmarks.servers import NGINX_FILE, PIERHEAD
from benchmarks.tree import make_file

SMALL_BYTES: Final = 4 * 1024
LARGE_BYTES: Final = 512 * 1024 * 1024
SMALL: Final = "4 KiB, requests/s"
LARGE: Final = "512 MiB with curl, MiB/s"


def measure_files(bench: Bench) -> list[Row]:
    """Both files from both servers, in turn."""
    root, seconds = bench.place("files"), bench.options.seconds
    make_file(root / "small.bin", SMALL_BYTES)
    make_file(root / "large.bin", LARGE_BYTES)
    with ExitStack() as stack:
        started = {
            PIERHEAD: stack.enter_context(servers.pierhead(bench.place(PIERHEAD), f"file://{root}")),
            NGINX_FILE: stack.enter_context(servers.nginx(bench.place(NGINX_FILE), root)),
        }
        small, large = [], []
        for server, program in started.items():
            target = Target(program, "/small.bin")
            if get(target).body != bytes(SMALL_BYTES):
                raise BenchError(f"{server} sends something else")
            small.append(Lane(Row(server, SMALL), partial(load, target, seconds)))
            take = partial(download, f"{program.url}/large.bin", LARGE_BYTES, program, seconds=seconds)
            large.append(Lane(Row(server, LARGE), take))
        return bench.in_turn([*small, *large])


SECTION: Final = Section(
    "files",
    "Files of a directory, beside nginx",
    measure_files,
    ("rate", *LATENCY, "cores busy", f"x {NGINX_FILE}"),
    tuple(
        Goal(f"{case}: at least {least} of nginx", times_of(case, PIERHEAD, NGINX_FILE), at_least=least)
        for case, least in ((SMALL, 0.35), (LARGE, 0.85))
    ),
)
