"""The floor: what a bare ASGI application on uvicorn needs to send one answer that is in memory already.

It runs as Pierhead does (uvloop, httptools, one process) without an access log, and sends the status, header
fields and body that Pierhead sent. An application that answers by ASGI cannot be faster.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks import servers
from benchmarks.bench import Bench, Lane
from benchmarks.client import Answer, Target, get
from benchmarks.load import load
from benchmarks.results import BenchError, Row

_OF_UVICORN = frozenset({"date", "connection"})
"""Header fields that uvicorn adds by itself."""


def beside_floor(
    bench: Bench, stack: ExitStack, row: Row, target: Target, answer: Answer, connections: int
) -> list[Lane]:
    """A row of Pierhead, and beside it one of the floor that sends the same.

    Args:
        stack: holds the floor.
        answer: what Pierhead has just sent.
        connections: see `load`.

    Raises:
        BenchError: the floor does not start, or sends something else.
    """
    captured = bench.place("captured")
    capture(answer, captured)
    floor = stack.enter_context(servers.floor(bench.place(servers.FLOOR), captured))
    at_floor = target._replace(program=floor)
    check_same(answer, get(at_floor))
    rows = ((row, target), (replace(row, server=servers.FLOOR), at_floor))
    seconds = bench.options.seconds
    return [Lane(row, partial(load, at, seconds, connections)) for row, at in rows]


def capture(answer: Answer, directory: Path) -> None:
    """Keep an answer for `build_floor`."""
    directory.mkdir(parents=True)
    headers = [pair for pair in answer.headers if pair[0] not in _OF_UVICORN]
    (directory / "head.json").write_text(json.dumps({"status": answer.status, "headers": headers}))
    (directory / "body").write_bytes(answer.body)


def check_same(answer: Answer, floor: Answer) -> None:
    """Compare what Pierhead sent with what the floor sends in its place.

    Raises:
        BenchError: the floor does less, or more.
    """
    fields, floor_fields = ({name for name, _ in one.headers} for one in (answer, floor))
    if (floor.status, floor.body, floor_fields) != (answer.status, answer.body, fields):
        raise BenchError("the floor sends something else")


def build_floor(directory: Path) -> ASGIApp:
    """The application that sends what `capture` wrote."""
    head = json.loads((directory / "head.json").read_text())
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"]]
    start = {"type": "http.response.start", "status": head["status"], "headers": headers}
    body = {"type": "http.response.body", "body": (directory / "body").read_bytes()}

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send(start)
        await send(body)

    return app


if __name__ == "__main__":
    uvicorn.run(
        build_floor(Path(sys.argv[1])),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
    )
