"""The floor: what a bare ASGI application on uvicorn needs to send one answer that is in memory already.

It runs as Pierhead does (uvloop, httptools, one process) without an access log, and sends the status, header
fields and body that Pierhead sent. An application that answers by ASGI cannot be faster.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.load import Answer
from benchmarks.results import BenchError

_OF_UVICORN = frozenset({"date", "connection"})
"""Header fields that uvicorn adds by itself."""


class Captured(NamedTuple):
    """An answer of Pierhead. The names of the header fields are in lower case, as ASGI has them."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def capture(answer: Answer, directory: Path) -> None:
    """Keep an answer where `read_captured` finds it."""
    directory.mkdir(parents=True, exist_ok=True)
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


def read_captured(directory: Path) -> Captured:
    """What `capture` kept."""
    head = json.loads((directory / "head.json").read_text())
    pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"])
    return Captured(head["status"], pairs, (directory / "body").read_bytes())


def build_floor(captured: Captured) -> ASGIApp:
    """The application."""
    start = {"type": "http.response.start", "status": captured.status, "headers": list(captured.headers)}
    body = {"type": "http.response.body", "body": captured.body}

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send(start)
        await send(body)

    return app


def main() -> None:
    """Serve a captured answer on a port of the loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("captured", type=Path, help="directory that `capture` wrote")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(
        build_floor(read_captured(options.captured)),
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
