"""A thousand clients that take in large files of S3 slowly, through a server with 2 GiB."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.beside import asked_all_the_time
from benchmarks.contenders import PIERHEAD_S3
from benchmarks.growth import PEAK
from benchmarks.limits import CORES, limited
from benchmarks.load import Target, get, sample_of
from benchmarks.made_up_s3 import OBJECT
from benchmarks.pierhead import run_pierhead
from benchmarks.programs import Program
from benchmarks.results import BenchError, Row
from benchmarks.s3 import BUCKET, aws_environment, run_made_up_s3
from benchmarks.tree import COLD_ENTRIES, check_listing, cold_folder

CLIENTS: Final = 1_000
CASE: Final = f"{CLIENTS:,} clients, each slowly taking in 1 GiB"
STREAMS: Final = "streams"
"""Fact: how many of them were given bytes to the end."""

_OBJECT_BYTES = 1024**3
_SECONDS = 20.0
_QUICK_SECONDS = 1.0
_FIRST_BYTES_SECONDS = 60.0
_RECEIVE_BUFFER = 64 * 1024
"""Bytes. The system takes in no more for a client that does not."""
_SIP = 4 * 1024
_ROUND_SECONDS = 0.1
_STILL_SECONDS = 5.0
"""A window as small as theirs is opened in steps, and the loopback has large segments: a stream may pause."""
_SERVER_CORES = (0, 1)


def measure_slow_clients(bench: Bench) -> list[Row]:
    """Two workers on two cores in 2 GiB, and a small page that others ask for meanwhile."""
    row = Row("slow-clients", PIERHEAD_S3, CASE)
    try:
        with ExitStack() as stack:
            limits = stack.enter_context(limited(f"pierhead-bench-slow-{os.getpid()}"))
            s3 = stack.enter_context(
                run_made_up_s3(bench.directory / "slow-clients-s3", object_bytes=_OBJECT_BYTES)
            )
            server = run_pierhead(
                bench.directory / "slow-clients",
                f"s3://{BUCKET}",
                environ={**aws_environment(s3), "PIERHEAD_DELIVERY": "proxy"},
                workers=CORES,
                cores=_SERVER_CORES,
                prefix=limits.prefix,
            )
            row = replace(row, note=limits.kind)
            return [_measure(bench, row, stack.enter_context(server))]
    except (BenchError, OSError) as error:
        return [row.failed(error)]


def _measure(bench: Bench, row: Row, program: Program) -> Row:
    bench.say("slow-clients")
    page = Target(program, f"/{cold_folder(0)}/")
    check_listing(get(page), COLD_ENTRIES)
    with _clients(program) as clients:
        _read_heads(clients)
        with asked_all_the_time(page) as beside:
            streams = _sip(clients, _QUICK_SECONDS if bench.options.quick else _SECONDS)
        memory = program.memory("VmHWM")
    sample = replace(sample_of(beside), errors=CLIENTS - streams)
    return replace(row, samples=(sample,), facts={PEAK: memory, STREAMS: streams})


@contextmanager
def _clients(program: Program) -> Iterator[list[socket.socket]]:
    """Connections on each of which the file has been asked for."""
    address = urlsplit(program.url)
    with ExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            client.settimeout(_FIRST_BYTES_SECONDS)
            client.connect((address.hostname, address.port))
            client.sendall(f"GET /{OBJECT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            clients.append(client)
        yield clients


def _read_heads(clients: Sequence[socket.socket]) -> None:
    """Wait until every stream has begun.

    Raises:
        BenchError: one has not.
    """
    for client in clients:
        head = client.recv(_SIP)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise BenchError(f"instead of a file: {head[:80]!r}")
        client.setblocking(False)


def _sip(clients: Sequence[socket.socket], seconds: float) -> int:
    """Take a little from each in turn, for a while. Returns how many were given some up to the end."""
    start = time.monotonic()
    given = dict.fromkeys(clients, start)
    while (now := time.monotonic()) < start + seconds:
        given |= {client: now for client in clients if _is_given_more(client)}
        time.sleep(max(0.0, now + _ROUND_SECONDS - time.monotonic()))
    return sum(last > now - _STILL_SECONDS for last in given.values())


def _is_given_more(client: socket.socket) -> bool:
    try:
        return bool(client.recv(_SIP))
    except OSError:  # broken off, or nothing there yet
        return False
