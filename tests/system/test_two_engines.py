"""Two real S3 engines with the same tree: one is stopped, killed or slowed, and no request fails."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.aws import BUCKET, S3Endpoint, open_bucket, point_aws_at
from tests.support.delaying_proxy import DelayingProxy
from tests.support.live_server import metrics_at
from tests.support.log_file import whole_lines
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.s3_engine import run_s3_engine
from tests.support.waiting import wait_until

CLIENTS = 4
ROUNDS_BEFORE = 25
ROUNDS_AFTER = 25
ROUNDS_SLOW = 6
"""After the fault, where each call takes `SLOW_SECONDS`."""
SLOW_SECONDS = 0.4
SMALL = {f"d/{number:02}.txt": f"content of {number}".encode() * 50 for number in range(30)}
MEMBERS = b"Format-Version: 0.5\nFiles-Pattern: *\nAuth-Groups: staff\n"
PATIENCE = 300
"""Seconds to wait for what must come: two engines share a machine that may be busy otherwise."""
LARGE = b"".join(hashlib.sha256(n.to_bytes(4)).digest() for n in range(24 * 1024 * 1024 // 32))
TREE = SMALL | {"members/BUILD-INFO.txt": MEMBERS, "members/secret.txt": b"secret", "large.img": LARGE}


class Engine(NamedTuple):
    """An engine, and the process that takes its requests."""

    endpoint: S3Endpoint
    gateway: int


@contextmanager
def engine_in(directory: Path) -> Iterator[Engine]:
    with run_s3_engine(directory) as endpoint:
        (pid_file,) = (path for path in directory.parent.glob(f"{directory.name}-*/run/gateway.pid"))
        gateway = int(pid_file.read_text())
        try:
            yield Engine(endpoint, gateway)
        finally:
            send_signal(gateway, signal.SIGCONT)


def send_signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


class SiteOverTwoEngines(NamedTuple):
    """A server over an engine of its own, behind a proxy that can slow it, and over the one that tests share."""

    server: RunningPierhead
    primary: Engine
    proxy: DelayingProxy


@pytest.fixture
async def site(
    s3_engine: S3Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SiteOverTwoEngines]:
    with ExitStack() as held:
        primary = held.enter_context(engine_in(tmp_path / "primary"))
        for endpoint in (primary.endpoint, s3_engine):
            point_aws_at(monkeypatch, endpoint)
            async with open_bucket() as bucket:
                for key, content in TREE.items():
                    await bucket.plant(key, content)
        proxy = held.enter_context(DelayingProxy(primary.endpoint.url))
        environ = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        lifetimes = {f"PIERHEAD_CACHE_{name}": "0" for name in ("TTL", "GRACE", "MAX_STALE")}
        home = tmp_path / "home"
        home.mkdir()
        server = held.enter_context(
            run_pierhead(
                f"s3://{BUCKET}?endpoint={proxy.url} s3://{BUCKET}?endpoint={s3_engine.url}",
                home,
                environ=environ | lifetimes | {"PIERHEAD_DELIVERY": "proxy"},
            )
        )
        yield SiteOverTwoEngines(server, primary, proxy)


def one_round(client: httpx.Client, number: int) -> None:
    """A folder, a file, and a folder that is not for everybody: each has to be right at the first try."""
    listing = client.get("/d/?format=json")
    assert listing.status_code == 200, listing.text
    found = {f"d/{entry['name']}": entry["size"] for entry in listing.json()["entries"]}
    assert found == {name: len(content) for name, content in SMALL.items()}
    name, content = list(SMALL.items())[number % len(SMALL)]
    answer = client.get(f"/{name}")
    assert (answer.status_code, answer.content) == (200, content)
    assert client.get("/members/").status_code == 401
    assert client.get("/members/secret.txt").status_code == 401


class Clients:
    """Several clients that ask round after round.

    Args:
        rounds: that each client makes.

    Attributes:
        rounds: how many have been made so far.
    """

    def __init__(self, url: str, rounds: int) -> None:
        self.rounds = 0
        self._url = url
        self._rounds = rounds
        self._lock = threading.Lock()

    def run(self) -> None:
        """The rounds of one client."""
        with httpx.Client(base_url=self._url, timeout=PATIENCE, trust_env=False) as client:
            for number in range(self._rounds):
                one_round(client, number)
                with self._lock:
                    self.rounds += 1


class Download:
    """One large file, whose reader waits in its midst.

    Attributes:
        has_begun: set when part of it has arrived.
        may_go_on: to be set for it to be read to its end.
    """

    def __init__(self, url: str) -> None:
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()
        self._url = url

    def run(self) -> bytes:
        """The whole of it."""
        body = b""
        with httpx.stream("GET", f"{self._url}/large.img", timeout=PATIENCE, trust_env=False) as answer:
            assert answer.status_code == 200
            for chunk in answer.iter_bytes(64 * 1024):
                body += chunk
                if not self.has_begun.is_set():
                    self.has_begun.set()
                    assert self.may_go_on.wait(PATIENCE)
        return body


def counted(admin: str, name: str) -> float:
    """The sum of a metric's samples."""
    text = metrics_at(admin)
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name)


def helped(admin: str, event: str) -> float:
    """How often one store helped the other out."""
    text = metrics_at(admin)
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(
        sample.value
        for sample in samples
        if sample.name == "pierhead_storage_help_total" and sample.labels["event"] == event
    )


def serve_through(
    site: SiteOverTwoEngines, fault: Callable[[SiteOverTwoEngines], None], rounds_after: int = ROUNDS_AFTER
) -> None:
    """Let it happen while clients list and download: each of them gets what it asked for, to the byte."""
    url = site.server.url
    clients, download = Clients(url, ROUNDS_BEFORE + rounds_after), Download(url)
    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        body = threads.submit(download.run)
        running: list[Future[None]] = [threads.submit(clients.run) for _ in range(CLIENTS)]
        try:
            assert download.has_begun.wait(PATIENCE)
            half = CLIENTS * ROUNDS_BEFORE
            wait_until(lambda: clients.rounds >= half or any(one.done() for one in running), PATIENCE)
            assert clients.rounds < CLIENTS * (ROUNDS_BEFORE + rounds_after)
            fault(site)
        finally:
            download.may_go_on.set()
        for one in running:
            one.result(PATIENCE)
        assert body.result(PATIENCE) == LARGE
    calls = counted(site.server.admin, "pierhead_storage_call_duration_seconds_count")
    assert helped(site.server.admin, "hedge") <= calls * 0.05


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_nobody_notices_that_an_engine_is_gone(site: SiteOverTwoEngines, number: signal.Signals) -> None:
    serve_through(site, lambda found: send_signal(found.primary.gateway, number))
    assert helped(site.server.admin, "failover") > 0
    ready = httpx.get(f"{site.server.url}/readyz", timeout=30, trust_env=False)
    assert (ready.status_code, ready.json().get("unreachable")) == (200, ["primary"])
    page = httpx.get(f"{site.server.url}/d/", timeout=30, trust_env=False)
    assert page.headers["x-pierhead-store"] == "replica-1"
    events = {json.loads(line).get("event") for line in whole_lines(site.server.log)}
    assert {"store_ill", "folder_from_replica"} <= events


@pytest.mark.timeout(1200)
def test_nobody_notices_that_an_engine_is_slow(site: SiteOverTwoEngines) -> None:
    def slow_down(found: SiteOverTwoEngines) -> None:
        found.proxy.delay = SLOW_SECONDS

    serve_through(site, slow_down, ROUNDS_SLOW)
    assert helped(site.server.admin, "hedge-won") > 0
