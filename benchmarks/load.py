"""Loading a server: with wrk, with curl, or one request after the other."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.client import Client, Target
from benchmarks.programs import LOAD_CORE, Program, run_to_end
from benchmarks.results import BenchError, Sample

CONNECTIONS = 16
"""How many requests are under way at any time, if the server can stand it."""

_WARM_UP = 0.1
"""Part of a measurement that is run before it, and not counted."""
_PAUSE_SECONDS = 0.005
_CURL_SECONDS = 120
_WRK_END_SECONDS = 30
_REPORT = Path(__file__).with_name("wrk_report.lua")


def connections_for(seconds: float, answer_seconds: float) -> int:
    """How many requests may be under way at once; 0 means one by one, which counts every request.

    A slow server gets fewer than `CONNECTIONS`: what is under way when the time is over is not counted.
    """
    connections = min(CONNECTIONS, int(seconds / 10 / answer_seconds))
    return connections if connections > 1 else 0


def load(target: Target, seconds: float, connections: int = CONNECTIONS) -> Sample:
    """One measurement of one page, warmed up. Without connections, requests are made one by one."""
    if not connections:
        return ask_one_by_one(target, seconds=seconds)
    ask_one_by_one(target, seconds=seconds * _WARM_UP, at_least=1)
    return load_with_wrk(target, seconds=seconds, connections=connections)


def load_with_wrk(
    target: Target, *, seconds: float, connections: int, threads: int = 1, cores: Sequence[int] = (LOAD_CORE,)
) -> Sample:
    """Keep some connections busy for a while; wrk runs on the given cores.

    Raises:
        BenchError: wrk said nothing that can be read.
    """
    command = ["taskset", "-c", ",".join(map(str, cores)), "wrk", "--latency", "-t", str(threads)]
    command += ["-c", str(connections), "-d", "3600", "--timeout", "30", "-s", str(_REPORT)]
    command += [word for name, value in target.headers.items() for word in ("-H", f"{name}: {value}")]
    used = target.program.cpu_seconds()
    with subprocess.Popen([*command, target.url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as wrk:
        try:
            # wrk itself counts in whole seconds only; when it is interrupted, it reports on what it has.
            time.sleep(seconds)
            wrk.send_signal(signal.SIGINT)
            output = wrk.communicate(timeout=_WRK_END_SECONDS)[0].decode()
        except subprocess.TimeoutExpired as error:
            raise BenchError("wrk did not stop") from error
        finally:
            wrk.kill()
    return read_report(output, target.program.cpu_seconds() - used)


def read_report(output: str, cpu_seconds: float) -> Sample:
    """What wrk printed by `wrk_report.lua`, with the CPU time that the server used meanwhile.

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
    """Ask a slow server: the rate of wrk would be wrong by what is under way when the time is over."""
    with closing(Client(target.url)) as client:
        return repeat(lambda: client.ask(target), target.program, seconds=seconds, at_least=at_least)


def download(url: str, size: int, program: Program | None, *, seconds: float) -> Sample:
    """Fetch a file of some bytes with curl, again and again. The rate of the sample is in MiB a second.

    Raises:
        BenchError: it is not the whole file.
    """
    form = "%{http_code} %{size_download} %{time_total}"
    command = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", form, url]

    def fetch() -> float:
        status, received, taken = run_to_end(command, seconds=_CURL_SECONDS).split()
        if (status, received) != ("200", str(size)):
            raise BenchError(f"status {status}, {received} of {size} bytes")
        return float(taken)

    fetch()
    sample = repeat(fetch, program, seconds=seconds)
    return replace(sample, rate=sample.rate * size / 2**20)


def repeat(
    once: Callable[[], float], program: Program | None, *, seconds: float, at_least: int = 1
) -> Sample:
    """Do something that returns the seconds it took, again and again for a while; count a program's CPU time."""
    taken: list[float] = []
    started, used = time.perf_counter(), program.cpu_seconds() if program else 0.0
    while len(taken) < at_least or time.perf_counter() - started < seconds:
        taken.append(once())
    used = (program.cpu_seconds() if program else 0.0) - used
    return sample_of(taken, busy=used / (time.perf_counter() - started))


def sample_of(taken: Sequence[float], *, busy: float = 0.0) -> Sample:
    """The sample that single requests make, all of them answered, by the seconds of each."""
    ordered = sorted(taken)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Sample(len(taken) / sum(taken), statistics.median(taken) * 1e3, p99 * 1e3, len(taken), 0, busy)


@contextmanager
def asked_all_the_time(page: Target) -> Iterator[list[float]]:
    """Ask for a page, with a short pause after each answer, until the block ends.

    Yields:
        The seconds that each answer has taken.

    Raises:
        BenchError: an answer failed, or had another status.
    """
    taken: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        with closing(Client(page.url)) as client:
            while not is_over.wait(_PAUSE_SECONDS):
                taken.append(client.ask(page))

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield taken
        finally:
            is_over.set()
    asking.result()
