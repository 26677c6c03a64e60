"""The whole service on 2 processors and 2 GiB under a load of everything: nothing fails, nothing restarts, memory stays.

`PIERHEAD_LOAD_SECONDS` says how long, ten minutes in `make soak`; without it, until 650 answers were given, and forty seconds at most. What
fails under a load fails in seconds. So many answers are enough to see a tenth of a megabyte that every answer leaves behind, or a whole
one that is left by one kind of them.
The other test takes as long as a start on half a processor.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

import pytest

from tests.support.engines import run_rclone
from tests.support.forked_command import PIERHEAD
from tests.support.log_file import whole_lines
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.small_machine import SmallMachine, small_machine

SECONDS = int(os.environ.get("PIERHEAD_LOAD_SECONDS", "40"))
ANSWERS = math.inf if "PIERHEAD_LOAD_SECONDS" in os.environ else 650
CLIENTS = 6
FOLDERS = 200
GIB = 1024**3
MIB = 1024**2
LARGE = 8 * MIB
START_SECONDS = 60
GROWTH = 40 * MIB
"""So much more may be held after all of the load than after a third of it: less than one large answer for each client."""

pytestmark = pytest.mark.timeout(SECONDS + 900)


def plant(tree: Path) -> None:
    for number in range(FOLDERS):
        folder = tree / f"build-{number:03}"
        folder.mkdir(parents=True)
        for name in range(20):
            (folder / f"part-{name:02}.txt").write_text(f"{number} {name}\n")
    (tree / "large.img").write_bytes(bytes(LARGE))


def asked(number: int) -> tuple[str, dict[str, str]]:
    """The path and fields of a request: warm and other pages, lists, subtrees, archives, downloads, parts of them."""
    folder = f"/build-{number * 7 % FOLDERS:03}"
    kinds: tuple[tuple[str, dict[str, str]], ...] = (
        ("/", {"Accept": "text/html", "Accept-Encoding": "br"}),
        (f"{folder}/", {"Accept": "text/html"}),
        (f"{folder}/?format=json", {}),
        (f"{folder}/part-03.txt", {}),
        ("/large.img", {"Range": "bytes=1000000-3000000"}),
        (f"{folder}/?format=ndjson&recursive=true", {}),
        (f"{folder}/?archive=tar.zst", {}),
        ("/large.img", {}),
    )
    return kinds[number % len(kinds)]


class Load:
    """Clients that ask without a pause until they are ended."""

    def __init__(self, url: str) -> None:
        self.answered: Counter[int] = Counter()
        self.failed: list[str] = []
        self._port = int(url.rpartition(":")[2])
        self._numbers = count()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(CLIENTS)]

    def run(self, seconds: float, answers: float, look: SmallMachine) -> list[int]:
        """Ask for so long, or until so much is answered. Returns the memory that was held, looked at once a second."""
        for thread in self._threads:
            thread.start()
        held = []
        try:
            until = time.monotonic() + seconds
            while time.monotonic() < until and self.answered.total() < answers and not self.failed:
                self._ends.wait(1)
                held.append(look.memory())
        finally:
            self._ends.set()
            for thread in self._threads:
                thread.join()
        return held

    def _ask_on(self) -> None:
        while not self._ends.is_set():
            connection = HTTPConnection("127.0.0.1", self._port, timeout=120)
            for number in (next(self._numbers) for _ in range(50)):
                if self._ends.is_set():
                    break
                path, fields = asked(number)
                try:
                    connection.request("GET", path, headers=fields)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, HTTPException) as error:
                    self.failed.append(f"{path}: {error!r}")
                    return
                self.answered[answer.status] += 1
                if answer.status not in (200, 206):
                    self.failed.append(f"{path}: {answer.status}")
            connection.close()


def events(server: RunningPierhead) -> Counter[str]:
    return Counter(json.loads(line)["event"] for line in whole_lines(server.log))


def test_it_bears_a_load_of_everything(tmp_path: Path) -> None:
    plant(tmp_path / "s3/tree/artifacts")
    with run_rclone(tmp_path / "s3") as endpoint, small_machine(2, 2 * GIB) as machine:
        environ = {
            "AWS_ENDPOINT_URL_S3": endpoint.url,
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "PIERHEAD_ARCHIVES": "on",
            "PIERHEAD_CACHE_TTL": "5",
            "PIERHEAD_DELIVERY": "proxy",
            "PIERHEAD_LOG_FORMAT": "json",
            "PIERHEAD_ADMIN_LISTEN": "127.0.0.1:0",
        }
        own = tmp_path / "service"
        own.mkdir()
        program = machine.program(PIERHEAD)
        with run_pierhead(
            "s3://artifacts", own, "--workers", "2", environ=environ, program=program
        ) as server:
            load = Load(server.url)
            held = load.run(SECONDS, ANSWERS, machine)
            seen = events(server)
        figures = [round(size / MIB) for size in (*held[:: max(1, len(held) // 6)], held[-1])]
        print(f"{load.answered.total()} answers in {len(held)} s; MiB held: {figures}")
        assert load.failed == []
        assert machine.killed() == 0
        assert seen["serving"] == 2  # each worker once
        third = len(held) // 3
        assert max(held[-third:]) <= max(held[:third]) + GROWTH


def test_it_starts_with_two_workers_on_half_a_processor(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    own = tmp_path / "service"
    own.mkdir()
    listen = {"PIERHEAD_ADMIN_LISTEN": "127.0.0.1:0"}
    with small_machine(0.5, 2 * GIB) as machine:
        program = machine.program(PIERHEAD)
        with run_pierhead(
            str(tmp_path / "tree"), own, "--workers", "2", environ=listen, program=program
        ) as server:
            assert events(server)["serving"] == 2
            used = machine.seconds_used()
    print(f"ready after {used:.1f} s of processor time")
    # Of half a processor there is so much in a minute, however busy the machine is with other things.
    assert used <= START_SECONDS * 0.5
