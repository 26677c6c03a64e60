"""Many clients of a machine as small as the smallest that Pierhead is made for: two cores, 2 GiB, two workers."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from benchmarks.bench import ALL, LATENCY, Bench, Lane, Section
from benchmarks.client import Target
from benchmarks.load import asked_all_the_time, load_with_wrk, sample_of
from benchmarks.made_up_s3 import OBJECT
from benchmarks.programs import Program
from benchmarks.results import BenchError, Row, Sample, fact_goal
from benchmarks.s3 import STORAGE, aws_environment
from benchmarks.servers import PIERHEAD, PIERHEAD_S3, made_up_s3, pierhead
from benchmarks.tree import small_page
from tests.support.aws import S3Endpoint
from tests.support.small_machine import small_machine

CORES: Final = (0, 1)
MIB: Final = 2 * 1024
PEAK: Final = "at most MiB"

CLIENTS: Final = 2_000
CROWD_CASE: Final = f"{CLIENTS:,} clients"

SLOW_CLIENTS: Final = 1_000
SLOW_CASE: Final = f"{SLOW_CLIENTS:,} clients, each slowly taking in 1 GiB"

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


@contextmanager
def small_pierhead(
    bench: Bench, storage: str = "", environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Program, str]]:
    """Run it until the block ends, and name what enforces the limits: control groups, where there are any."""
    with ExitStack() as stack:
        try:
            prefix = stack.enter_context(small_machine(len(CORES), MIB * 2**20)).program()
            kind = "control group of 2 cores and 2 GiB"
        except OSError:
            prefix, kind = ("prlimit", f"--as={MIB * 2**20}"), "RLIMIT_AS of 2 GiB for each process"
        server = pierhead(bench, storage, environ=environ, workers=len(CORES), cores=CORES, prefix=prefix)
        yield stack.enter_context(server), kind


def measure_crowd(bench: Bench) -> list[Row]:
    """The load generator has the other cores, or the same ones where there are none."""
    others = [core for core in range(os.cpu_count() or 1) if core not in CORES][: len(CORES)]
    with small_pierhead(bench) as (program, kind):
        take = partial(
            load_with_wrk,
            small_page(program),
            seconds=max(bench.options.seconds, 2.0),  # most of a second goes by before all are there
            connections=CLIENTS,
            threads=len(CORES),
            cores=others or CORES,
        )
        row = Row(PIERHEAD, CROWD_CASE, note=kind)
        row = row if others else row.noted("the load generator runs on the same cores")
        return bench.in_turn([Lane(row, lambda: replace(take(), facts={PEAK: program.memory("VmHWM")}))])


def measure_slow_clients(bench: Bench) -> list[Row]:
    """A small page is asked for while they take in their files."""
    with made_up_s3(bench, object_bytes=_OBJECT_BYTES) as s3:
        environ = aws_environment(S3Endpoint(s3.url)) | {"PIERHEAD_DELIVERY": "proxy"}
        with small_pierhead(bench, STORAGE, environ) as (program, kind):
            seconds = _QUICK_SECONDS if bench.options.quick else _SECONDS
            take = partial(_measure, small_page(program), seconds)
            return bench.in_turn([Lane(Row(PIERHEAD_S3, SLOW_CASE, note=kind), take)], repetitions=1)


def _measure(page: Target, seconds: float) -> Sample:
    with _clients(page.program) as clients, asked_all_the_time(page) as beside:
        streams = _sip(clients, seconds)
    facts = {"downloads to the end": streams, PEAK: page.program.memory("VmHWM")}
    return replace(sample_of(beside), errors=SLOW_CLIENTS - streams, facts=facts)


@contextmanager
def _clients(program: Program) -> Iterator[list[socket.socket]]:
    """Connections; on each the stream of the file has begun.

    Raises:
        BenchError: one has not.
    """
    address = urlsplit(program.url)
    with ExitStack() as stack:
        clients = []
        for _ in range(SLOW_CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            client.settimeout(_FIRST_BYTES_SECONDS)
            client.connect((address.hostname, address.port))
            client.sendall(f"GET /{OBJECT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            clients.append(client)
        for client in clients:
            head = client.recv(_SIP)
            if not head.startswith(b"HTTP/1.1 200 "):
                raise BenchError(f"instead of a file: {head[:80]!r}")
            client.setblocking(False)
        yield clients


def _sip(clients: Sequence[socket.socket], seconds: float) -> int:
    """Take a little from each in turn, for a while. Returns how many were given some up to the end."""
    start = time.monotonic()
    given = dict.fromkeys(clients, start)
    while (now := time.monotonic()) < start + seconds:
        given |= {client: now for client in clients if _is_given_more(client)}
        time.sleep(max(0.0, now + _ROUND_SECONDS - time.monotonic()))
    return sum(last > now - _STILL_SECONDS for last in given.values())


def _is_given_more(client: socket.socket) -> bool:
    with suppress(OSError):  # broken off, or nothing there yet
        return bool(client.recv(_SIP))
    return False


_ON = f"{CROWD_CASE} on 2 cores in 2 GiB"
CROWD: Final = Section(
    "crowd",
    "2,000 busy keep-alive clients, 2 workers",
    measure_crowd,
    (*ALL, PEAK),
    (
        fact_goal(f"{_ON}: no error", CROWD_CASE, PIERHEAD, "errors", at_most=0, unit="errors"),
        fact_goal(f"{_ON}: p99 at most 200 ms", CROWD_CASE, PIERHEAD, "p99", at_most=200, unit="ms"),
    ),
)

_BREAKS, _MEMORY = f"{SLOW_CASE}: none breaks off", f"{SLOW_CASE}: at most 2 GiB of memory"
SLOW: Final = Section(
    "slow-clients",
    f"{SLOW_CLIENTS:,} slow downloads",
    measure_slow_clients,
    (*LATENCY, "downloads to the end", PEAK),
    (
        fact_goal(_BREAKS, SLOW_CASE, PIERHEAD_S3, "errors", at_most=0, unit="break off"),
        fact_goal(_MEMORY, SLOW_CASE, PIERHEAD_S3, PEAK, at_most=MIB, unit="MiB"),
    ),
)
