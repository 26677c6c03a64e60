"""Thousands of TLS handshakes while others load the server: none fails, by a proxy or without one.

`PIERHEAD_HANDSHAKES` says how many; `make soak` makes a hundred thousand. A tenth of the thousands of the default would do for a
descriptor that each leaves open, or for a fault of one in a hundred. Each is a full one with a connection and a request of its own. Two
processors, shared by server, clients and downloads, made 500 a second when they had nothing else to do: a hundred thousand in
200 seconds, at nginx as at the server. On a machine with six times more to do than it can, it was 65 a second.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.certificates import Certificate, make_certificate
from tests.support.proxies import nginx_before
from tests.support.serve_command import START_SECONDS, Served
from tests.support.tls_client import fault_of_one
from tests.support.waiting import wait_until

HANDSHAKES = int(os.environ.get("PIERHEAD_HANDSHAKES", "2500"))
CLIENTS = 8
DOWNLOADS = 2
"""Clients that download without an end meanwhile."""
PAUSE = 0.05
"""Seconds between two MiB of a download: without it, most of the processor's time would go there."""
MOST_DESCRIPTORS = 100
"""That a worker has open without connections, at most."""


@contextmanager
def under_load(url: str, trusted: ssl.SSLContext) -> Iterator[None]:
    """Large downloads, one after the other, until the block ends."""
    ends = threading.Event()

    def download() -> None:
        with httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=START_SECONDS) as client:
            while not ends.is_set():
                with client.stream("GET", "/large.img") as answer:
                    for _ in answer.iter_raw(1 << 20):
                        if ends.wait(PAUSE):
                            break

    threads = [threading.Thread(target=download) for _ in range(DOWNLOADS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def assert_none_fails(url: str, certificate: Certificate) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate.chain))
    with under_load(url, trusted), ThreadPoolExecutor(CLIENTS) as clients:
        faults = [
            fault for fault in clients.map(lambda _: fault_of_one(url, trusted), range(HANDSHAKES)) if fault
        ]
    assert faults == []


@contextmanager
def two_workers(directory: Path, **environ: str) -> Iterator[Served]:
    server = Served(directory, "--workers", "2", PIERHEAD_LOG_LEVEL="info", **environ)
    try:
        yield server
    finally:
        server.kill()


def descriptors(pid: int) -> int:
    """How many files and connections a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def assert_none_is_kept(server: Served) -> None:
    """Of all the connections, the server has closed its ends."""
    assert wait_until(lambda: max(map(descriptors, server.workers())) < MOST_DESCRIPTORS, START_SECONDS)


def test_none_fails_at_the_server_itself(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, "site")
    files = {"PIERHEAD_TLS_CERTIFICATE": str(made.chain), "PIERHEAD_TLS_KEY": str(made.key)}
    with two_workers(tmp_path, **files) as server:
        assert_none_fails(server.url, made)
        assert_none_is_kept(server)
        assert "Traceback" not in server.log


def test_none_fails_at_the_documented_nginx(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, "site")
    with two_workers(tmp_path, PIERHEAD_TRUSTED_PROXIES="127.0.0.1") as server:
        port = int(server.url.rpartition(":")[2])
        with nginx_before([port, port], tmp_path / "nginx", made) as url:
            assert_none_fails(url, made)
        assert_none_is_kept(server)
