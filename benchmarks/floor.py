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

from benchmarks.bench import Bench, Lane
from benchmarks.client import Answer, Target, get
from benchmarks.load import load
from benchmarks.programs import run_program
from benchmarks.results import BenchError, Row
from benchmarks.servers import FLOOR

_OF_UVICORN = frozenset({"date", "connection"})
"""Header fields that uvicorn adds by itself."""


def beside_floor(
    bench: Bench, stack: ExitStack, row: Row, target: Target, answer: Answer, connections: int
) -> list[Lane]:
    """A row of Pierhead, and beside it one of the floor (held by the stack) that sends the same answer.

    Raises:
        BenchError: the floor does not start, or sends something else.
    """
    captured = bench.place("captured")
    captured.mkdir(parents=True)
    headers = [pair for pair in answer.headers if pair[0] not in _OF_UVICORN]
    (captured / "head.json").write_text(json.dumps({"status": answer.status, "headers": headers}))
    (captured / "body").write_bytes(answer.body)
    command = "{python} -m benchmarks.floor {captured} {port}"
    floor = stack.enter_context(run_program(command, bench.place(FLOOR), captured=captured))
    at_floor = target._replace(program=floor)
    sent, of_floor = (
        (one.status, one.body, {name for name, _ in one.headers}) for one in (answer, get(at_floor))
    )
    if sent != of_floor:
        raise BenchError("the floor sends something else")
    rows = ((row, target), (replace(row, server=FLOOR), at_floor))
    return [Lane(row, partial(load, at, bench.options.seconds, connections)) for row, at in rows]


def build_floor(directory: Path) -> ASGIApp:
    """The application that sends what `beside_floor` has kept in a directory."""
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
