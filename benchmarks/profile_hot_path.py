"""Where the time of a warm page goes: the application alone, without sockets, under cProfile.

    python -m benchmarks.profile_hot_path [--entries 100] [--requests 20000] [--sort tottime]

The profiler makes Python's own calls look dearer than they are, so that shares say more than seconds do.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import sys

from starlette.types import ASGIApp, Message, Scope

from benchmarks.bench import HOME
from benchmarks.fake_server import build_fake
from benchmarks.fake_store import FakeStore, folder_name

_LINES = 25


def _scope() -> Scope:
    """A request as uvicorn hands it over; made anew for each, since what is called may write into it."""
    path = f"/{folder_name(0)}/"
    headers = {"host": "127.0.0.1:8000", "user-agent": "profile", "accept": "*/*"}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Message) -> None:
    assert message.get("status", 200) == 200, message


async def _ask(app: ASGIApp, requests: int) -> None:
    for _ in range(requests):
        await app(_scope(), _receive, _send)


def main() -> None:
    """Print the functions that cost most."""
    parser = argparse.ArgumentParser(description="Profile the warm listing.")
    parser.add_argument("--entries", type=int, default=100, help="in the folder")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--sort", default="tottime", choices=("tottime", "cumtime", "ncalls"))
    options = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    profile = cProfile.Profile()
    with (HOME / "profile.log").open("w") as log:
        sys.stderr = log  # the access log stays on, and goes to a file
        app, _ = build_fake(FakeStore(1, options.entries))
        with asyncio.Runner() as runner:
            runner.run(_ask(app, 1))
            profile.enable()
            runner.run(_ask(app, options.requests))
            profile.disable()
        sys.stderr = sys.__stderr__
    pstats.Stats(profile, stream=sys.stdout).sort_stats(options.sort).print_stats(_LINES)


if __name__ == "__main__":
    main()
