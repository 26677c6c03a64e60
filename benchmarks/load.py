"""Asking a server for one page, again and again: with wrk, or one request after the other."""

from __future__ import annotations

import http.client
import json
import signal
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.programs import LOAD_CORE, Program
from benchmarks.results import BenchError, Sample

_REPORT = Path(__file__).with_name("wrk_report.lua")
_ANSWER_SECONDS = 60
_WRK_END_SECONDS = 30


class Answer(NamedTuple):
    """One whole answer.

    Attributes:
        headers: names in lower case, in the order they came.
        first_byte: seconds until its status line was there.
        seconds: until its last byte was.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    first_byte: float
    seconds: float


class Target(NamedTuple):
    """A page of a server.

    Attributes:
        path: with its query.
        headers: that are sent with each request.
        status: of every right answer.
    """

    program: Program
    path: str
    headers: Mapping[str, str] = MappingProxyType({})
    status: int = 200

    @property
    def url(self) -> str:
        """The whole of it."""
        return self.program.url + self.path


class Client:
    """One connection that is kept, and opened again where the server closes it."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_ANSWER_SECONDS)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask once.

        Raises:
            BenchError: there was no whole answer.
        """
        start = time.perf_counter()
        try:
            self._connection.request("GET", path, headers=dict(headers or {}))
            answer = self._connection.getresponse()
            first_byte = time.perf_counter() - start
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise BenchError(f"no answer to {path}: {error!r}") from error
        found = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, found, body, first_byte, time.perf_counter() - start)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def get(target: Target) -> Answer:
    """Ask once, on a connection of its own.

    Raises:
        BenchError: as `Client.get`.
    """
    client = Client(target.url)
    try:
        return client.get(target.path, target.headers)
    finally:
        client.close()


def load_with_wrk(
    target: Target, *, seconds: float, connections: int, threads: int = 1, cores: Sequence[int] = (LOAD_CORE,)
) -> Sample:
    """Keep some connections busy for a while.

    Args:
        connections: each of which always has one request under way.
        cores: those that the load generator runs on.

    Raises:
        BenchError: wrk said nothing that can be read.
    """
    command = ["taskset", "-c", ",".join(map(str, cores)), "wrk", "--latency", "-t", str(threads)]
    command += ["-c", str(connections), "-d", "3600", "--timeout", "30", "-s", str(_REPORT)]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    used = target.program.cpu_seconds()
    try:
        process = subprocess.Popen([*command, target.url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise BenchError(f"wrk: {error.strerror}") from error
    try:
        time.sleep(
            seconds
        )  # wrk itself counts in whole seconds only; told to stop, it reports on what it has
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=_WRK_END_SECONDS)[0].decode()
    except subprocess.TimeoutExpired as error:
        raise BenchError("wrk did not stop") from error
    finally:
        process.kill()
        process.wait()
    return read_report(output, target.program.cpu_seconds() - used)


def read_report(output: str, cpu_seconds: float) -> Sample:
    """The sample that wrk found.

    Args:
        output: what it printed, with the line of `wrk_report.lua`.
        cpu_seconds: what the server used meanwhile.

    Raises:
        BenchError: there is no such line, or nothing was answered.
    """
    for line in output.splitlines():
        if line.startswith("JSON "):
            found = json.loads(line.removeprefix("JSON "))
            if not found["requests"]:
                raise BenchError("no request was answered in time")
            seconds = found["microseconds"] / 1e6
            p50, p99 = found["p50"] / 1e3, found["p99"] / 1e3
            rate, busy = found["requests"] / seconds, cpu_seconds / seconds
            return Sample(rate, p50, p99, found["requests"], found["errors"], busy)
    raise BenchError(f"wrk said {output.strip()[-300:]!r}")


def ask_one_by_one(target: Target, *, seconds: float, at_least: int = 3) -> Sample:
    """Ask a server that takes long for each answer, one request after the other.

    The rate of wrk would be wrong there by the requests that are under way when the time is over.
    """
    client = Client(target.url)
    taken: list[float] = []
    started, used = time.perf_counter(), target.program.cpu_seconds()
    try:
        while len(taken) < at_least or time.perf_counter() - started < seconds:
            answer = client.get(target.path, target.headers)
            if answer.status != target.status:
                raise BenchError(f"status {answer.status}")
            taken.append(answer.seconds)
    finally:
        client.close()
    wall = time.perf_counter() - started
    return sample_of(taken, busy=(target.program.cpu_seconds() - used) / wall)


def sample_of(taken: Sequence[float], *, busy: float = 0.0) -> Sample:
    """The sample that single requests make.

    Args:
        taken: seconds of each, all of them answered.
    """
    ordered = sorted(taken)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Sample(len(taken) / sum(taken), statistics.median(taken) * 1e3, p99 * 1e3, len(taken), 0, busy)
