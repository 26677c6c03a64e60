"""Two regions behind the documented geo-DNS: what dies in one of them costs a client one retry at most.

Takes about a minute, most of it waiting for the documented times to pass.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import httpx
import pytest

from tests.support.geo_dns import ADDRESSES, CLIENTS, FILE, NAME, PORT, Region, resolve, two_regions
from tests.support.hosts import Host
from tests.support.log_file import whole_lines
from tests.support.waiting import wait_until

GUIDE = (Path(__file__).parents[2] / "docs/geo-dns.md").read_text()
SECONDS = 120
PAUSE = 0.2
"""Seconds between a client's requests, a fraction of the shortest time in which anything changes here."""
REQUESTS = 3
"""That each client makes between two events."""
REPLICA = "X-Pierhead-Replica"


def stated(what: str) -> int:
    """After how many seconds clients are elsewhere, as the guide has it."""
    (seconds,) = re.findall(rf"^\| {what} \|.*\| (\d+) s \|$", GUIDE, re.MULTILINE)
    return int(seconds)


class Client(threading.Thread):
    """Asks without end by the name that geo-DNS answers for; tries once more where that fails."""

    def __init__(self, world: Host, near: str) -> None:
        super().__init__()
        self.failed: list[str] = []
        self.served: Counter[str] = Counter()
        self.patience = 0
        self._world, self._source = world, CLIENTS[near]
        self._known = ("", 0.0)
        self._ends = threading.Event()

    def run(self) -> None:
        with self._world.entered():
            while not self._ends.wait(PAUSE):
                self._ask()

    def end(self) -> None:
        self._ends.set()
        self.join()

    def goes_on(self) -> None:
        """Wait until it has had more answers."""
        until = self.served.total() + REQUESTS
        assert wait_until(lambda: self.served.total() >= until or bool(self.failed), SECONDS), self.failed

    def _ask(self) -> None:
        for path in ("/", "/file.txt"):  # pages keep a replica warm, which alone must not keep it in the DNS
            if not self._fault(path) or self._ends.wait(self.patience):
                continue
            if fault := self._fault(path):
                self.failed.append(fault)

    def _fault(self, path: str) -> str:
        connection = HTTPConnection(self._address(), PORT, timeout=5, source_address=(self._source, 0))
        try:
            with closing(connection):
                connection.request("GET", path, headers={"Host": NAME})
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, HTTPException) as error:
            return repr(error)
        if answer.status != 200 or (path != "/" and content != FILE):
            return f"{answer.status} {content[:200]!r}"
        self.served[answer.headers[REPLICA]] += 1
        return ""

    def _address(self) -> str:
        """As a resolver has it, which keeps an answer for its whole life."""
        if time.monotonic() >= self._known[1]:
            address, ttl = resolve(self._world, self._source)
            self._known = (address, time.monotonic() + ttl)
        return self._known[0]


@contextmanager
def clients_near(world: Host, *regions: str) -> Iterator[list[Client]]:
    clients = [Client(world, region) for region in regions]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.end()


def faces(world: Host, client: str, region: str) -> Callable[[], bool]:
    """Whether clients near one region are sent to another."""
    return lambda: resolve(world, CLIENTS[client])[0] == ADDRESSES[region]


def replica_dies(region: Region) -> None:
    region.kill_replica()


def storage_dies(region: Region) -> None:
    region.stop_bucket()


def network_dies(region: Region) -> None:
    region.cut_network()


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, dict[str, Region]]]:
    with two_regions(tmp_path_factory.mktemp("geo")) as made:
        yield made


def test_what_dies_costs_clients_one_retry_at_most(regions: tuple[Host, dict[str, Region]]) -> None:
    world, both = regions
    eu = both["eu"]
    for region in both:
        assert wait_until(faces(world, region, region), SECONDS)
    with clients_near(world, "eu", "eu", "us") as clients:
        for what, die, revive in (
            ("the process dies", replica_dies, eu.start_replica),
            ("the storage fails", storage_dies, eu.start_bucket),
            ("the network fails", network_dies, None),
        ):
            for client in clients:
                client.patience = stated(what)
                client.goes_on()
            die(eu)
            died = time.monotonic()
            assert wait_until(faces(world, "eu", "us"), SECONDS)
            _, ttl = resolve(world, CLIENTS["eu"])
            assert time.monotonic() - died + ttl <= stated(what)
            for client in clients:
                client.goes_on()
                assert client.failed == [], what
            if revive is not None:
                revive()
                assert wait_until(faces(world, "eu", "eu"), SECONDS)
    assert [client.failed for client in clients] == [[], [], []]
    assert all(client.served["us"] for client in clients)
    assert sum(client.served["eu"] for client in clients)


def test_each_replica_is_named_where_one_looks(regions: tuple[Host, dict[str, Region]]) -> None:
    world, both = regions
    with world.entered():
        answer = httpx.get(f"http://{ADDRESSES['us']}:{PORT}/file.txt", trust_env=False)
    assert answer.headers[REPLICA] == "us"
    assert 'replica="us"' in both["us"].metrics()
    lines = [json.loads(line) for line in whole_lines(both["us"].server.log)]
    assert {line["replica"] for line in lines if line["event"] == "request"} == {"us"}
