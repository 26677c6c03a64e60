"""A thousand clients that take in large files of S3 slowly, through a server with 2 GiB."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.bench import LATENCY, Bench, Lane, Section
from benchmarks.client import Target
from benchmarks.limits import MIB, small_pierhead
from benchmarks.load import asked_all_the_time, sample_of
from benchmarks.made_up_s3 import OBJECT
from benchmarks.programs import Program
from benchmarks.results import BenchError, Goal, Row, Sample, fact_of
from benchmarks.s3 import STORAGE, aws_environment
from benchmarks.servers import PIERHEAD_S3
from benchmarks.tree import small_page
from tests.support.aws import S3Endpoint

CLIENTS: Final = 1_000
CASE: Final = f"{CLIENTS:,} clients, each slowly taking in 1 GiB"
PEAK: Final = "at most MiB"

_OBJECT_BYTES = 1024**3
_SECONDS = 20.0
_QUICK_SECONDS = 1.0
_FIRST_BYTES_SECONDS = 60.0
_RECEIVE_BUFFER = 64 * 1024
"""Bytes. The system takes in no more for a client that does not."""
_SIP = 4 * 1024
_ROUND_SECONDS = 0.1
_STILL_SECONDS = 5.0
"""A window as small as theirs opens in steps, and the loopback has large segments: a stream may pause."""


def measure_slow_clients(bench: Bench) -> list[Row]:
    """A small page is asked for while they take in their files."""
    with servers.made_up_s3(bench.place("made-up S3"), object_bytes=_OBJECT_BYTES) as s3:
        environ = aws_environment(S3Endpoint(s3.url)) | {"PIERHEAD_DELIVERY": "proxy"}
        with small_pierhead(bench, STORAGE, environ) as (program, kind):
            seconds = _QUICK_SECONDS if bench.options.quick else _SECONDS
            take = partial(_measure, small_page(program), seconds)
            return bench.in_turn([Lane(Row(PIERHEAD_S3, CASE, note=kind), take)], repetitions=1)


def _measure(page: Target, seconds: float) -> Sample:
    with _clients(page.program) as clients:
        _read_heads(clients)
        with asked_all_the_time(page) as beside:
            streams = _sip(clients, seconds)
    facts = {"downloads to the end": streams, PEAK: page.program.memory("VmHWM")}
    return replace(sample_of(beside), errors=CLIENTS - streams, facts=facts)


@contextmanager
def _clients(program: Program) -> Iterator[list[socket.socket]]:
    """Connections; each has asked for the file."""
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


SECTION: Final = Section(
    "slow-clients",
    f"{CLIENTS:,} slow downloads",
    measure_slow_clients,
    (*LATENCY, "downloads to the end", PEAK),
    (
        Goal(f"{CASE}: none breaks off", fact_of(CASE, PIERHEAD_S3, "errors"), at_most=0, unit="break off"),
        Goal(
            f"{CASE}: at most 2 GiB of memory",
            fact_of(CASE, PIERHEAD_S3, PEAK),
            at_most=MIB,
            unit="MiB",
        ),
    ),
)
