"""Two replicas behind a real proxy, as documented: restarted one after the other, and killed, under load."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.proxies import haproxy_before, nginx_before
from tests.support.serve_command import START_SECONDS, Served
from tests.support.waiting import PATIENCE, free_port, wait_until

Before = Callable[[list[int], Path], AbstractContextManager[str]]

PATHS = ("/", "/hello.txt", "/?format=json", "/healthz")
CLIENTS = 6
DOWNLOADS = 4
LARGE = 64 * 1024 * 1024
"""More than there is room for between the server and a client that does not read."""
REQUESTS = 200
"""Answered between two events, so that each of them meets some load."""
PAUSE = 0.01
"""Seconds between a client's requests: without it, most of the machine would wait in their loops for a replica to drain."""


class Replicas:
    """Two servers at ports that stay the same, started and stopped by the test."""

    def __init__(self, directory: Path, drain_delay: str) -> None:
        self.ports = [free_port(), free_port()]
        self._directory = directory
        self._drain_delay = drain_delay
        self._started = 0
        self._running: dict[int, Served] = {}
        for place in range(2):
            self.start(place)

    def start(self, place: int) -> None:
        self._started += 1
        directory = self._directory / f"replica-{self._started}"
        directory.mkdir()
        self._running[place] = Served(
            directory,
            "--port",
            str(self.ports[place]),
            PIERHEAD_ADMIN_LISTEN="127.0.0.1:0",
            PIERHEAD_TRUSTED_PROXIES="127.0.0.1",
            PIERHEAD_DRAIN_DELAY=self._drain_delay,
            PIERHEAD_DRAIN_TIMEOUT="120",
        )
        os.truncate(directory / "tree/large.img", LARGE)
        url = f"http://127.0.0.1:{self.ports[place]}/readyz"
        assert wait_until(lambda: httpx.get(url, trust_env=False).status_code == 200, START_SECONDS)

    def tell(self, place: int, how: signal.Signals) -> None:
        self._running[place].process.send_signal(how)

    def wait(self, place: int) -> int:
        return self._running[place].process.wait(START_SECONDS + 120)

    def close(self) -> None:
        for server in self._running.values():
            server.kill()


class Load:
    """Clients that ask without an end and try once more where they fail."""

    def __init__(self, url: str) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._url = url
        self._ends = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ends.set()
            for thread in threads:
                thread.join()

    def goes_on(self) -> None:
        """Wait until so much more has been answered."""
        until = self.answered + REQUESTS
        assert wait_until(lambda: self.answered >= until, START_SECONDS), self.failed

    def _ask_on(self, number: int) -> None:
        while not self._ends.is_set():
            # Half of the clients keep their connection, the others open one for each request.
            with httpx.Client(base_url=self._url, trust_env=False, timeout=PATIENCE) as client:
                for path in PATHS * (5 if number % 2 else 1):
                    fault = _fault(client, path) and _fault(client, path)
                    with self._lock:
                        self.answered += 1
                        if fault:
                            self.failed.append(fault)
                    self._ends.wait(PAUSE)


def _fault(client: httpx.Client, path: str) -> str:
    try:
        answer = client.get(path)
    except httpx.TransportError as error:
        return f"{path}: {error!r}"
    return "" if answer.status_code == 200 else f"{path}: {answer.status_code}"


class Download:
    """A download that has begun and waits to be read on."""

    def __init__(self, client: httpx.Client) -> None:
        self._answer = client.send(client.build_request("GET", "/large.img"), stream=True)
        self._chunks = self._answer.iter_raw(1 << 16)
        self._read = len(next(self._chunks))

    def rest(self) -> int:
        """Read to the end. Returns the size of the whole."""
        with closing(self._answer):
            return self._read + sum(map(len, self._chunks))


@pytest.mark.parametrize(
    ("before", "drain_delay"), [(nginx_before, "0"), (haproxy_before, "7")], ids=["nginx", "haproxy"]
)
def test_no_request_fails_and_no_download_is_cut(tmp_path: Path, before: Before, drain_delay: str) -> None:
    replicas = Replicas(tmp_path, drain_delay)
    try:
        with (
            before(replicas.ports, tmp_path / "proxy") as url,
            httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
        ):
            load = Load(url)
            with load.running():
                load.goes_on()
                for place in range(2):
                    downloads = [Download(client) for _ in range(DOWNLOADS)]
                    replicas.tell(place, signal.SIGTERM)
                    load.goes_on()
                    assert [download.rest() for download in downloads] == [LARGE] * DOWNLOADS
                    assert replicas.wait(place) == 0
                    load.goes_on()
                    replicas.start(place)
                    load.goes_on()
                replicas.tell(0, signal.SIGKILL)
                load.goes_on()
                replicas.wait(0)
                load.goes_on()
            assert load.failed == []
    finally:
        replicas.close()
