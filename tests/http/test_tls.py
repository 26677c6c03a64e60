"""TLS by the server itself: versions, another certificate while connections go on, many handshakes at once."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.certificates import make_certificate
from tests.support.serve_command import START_SECONDS, STOP_SECONDS, Served
from tests.support.waiting import wait_until

HANDSHAKES = 400


class TlsSite:
    """A server with a certificate that its test replaces."""

    def __init__(self, serve: Callable[..., Served], directory: Path, workers: int = 2) -> None:
        self.directory = directory
        self.use("first")
        self.server = serve(
            "--workers", str(workers), PIERHEAD_TLS_CERTIFICATE="site.pem", PIERHEAD_TLS_KEY="site.key"
        )
        assert wait_until(lambda: len(self.server.workers()) == workers, START_SECONDS)
        self.address = ("127.0.0.1", urlsplit(self.server.url).port)

    def use(self, name: str, days: int = 90) -> None:
        """Put another certificate into the files."""
        made = make_certificate(self.directory, name, days)
        shutil.copy(made.chain, self.directory / "site.pem")
        shutil.copy(made.key, self.directory / "site.key")

    def trusting(self, name: str) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.directory / f"{name}.pem"))

    def is_served(self, name: str, context: ssl.SSLContext | None = None) -> bool:
        """Make one connection, and ask for something. Whether this certificate was shown."""
        try:
            with (
                socket.create_connection(self.address, timeout=START_SECONDS) as plain,
                (context or self.trusting(name)).wrap_socket(plain, server_hostname="127.0.0.1") as tls,
            ):
                tls.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                answer = b""
                while part := tls.recv(65536):
                    answer += part
                return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello\n")
        except ssl.SSLCertVerificationError:
            return False

    def reload(self) -> None:
        outcomes = len(self.server.lines("reloaded")) + 2 * len(self.server.lines("reload_failed"))
        self.server.process.send_signal(signal.SIGHUP)
        assert wait_until(
            lambda: (
                len(self.server.lines("reloaded")) + 2 * len(self.server.lines("reload_failed"))
                >= outcomes + 2
            ),
            STOP_SECONDS,
        )


@pytest.fixture
def site(serve: Callable[..., Served], tmp_path: Path) -> TlsSite:
    return TlsSite(serve, tmp_path)


def test_it_speaks_tls_1_2_and_1_3_and_nothing_older(site: TlsSite) -> None:
    assert site.server.url.startswith("https://")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = site.trusting("first")
        context.minimum_version = context.maximum_version = version
        assert site.is_served("first", context)
    older = subprocess.run(
        [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{site.address[1]}",
            "-tls1_1",
            "-cipher",
            "ALL:@SECLEVEL=0",
        ],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=START_SECONDS,
        check=False,
    )
    assert older.returncode != 0
    assert b"no peer certificate available" in older.stdout
    with httpx.Client(base_url=site.server.url, verify=site.trusting("first"), trust_env=False) as client:
        assert len(client.get("/large.img").content) == 200 * 1024 * 1024
        assert client.get("/").headers["content-type"].startswith("text/html")
    with socket.create_connection(site.address, timeout=START_SECONDS) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b"200" not in plain.recv(65536)
    assert site.is_served("first")
    assert "Traceback" not in site.server.log


def test_another_certificate_takes_its_place_and_no_connection_is_lost(site: TlsSite) -> None:
    with httpx.Client(base_url=site.server.url, verify=site.trusting("first"), trust_env=False) as client:
        with client.stream("GET", "/large.img") as answer:
            chunks = answer.iter_raw(1 << 16)
            read = len(next(chunks))
            site.use("second", days=30)
            site.reload()
            assert read + sum(map(len, chunks)) == 200 * 1024 * 1024
        assert client.get("/hello.txt").text == "hello\n"
    assert {site.is_served("second") for _ in range(20)} == {True}
    assert {site.is_served("first") for _ in range(5)} == {False}
    assert "pierhead_tls_certificate_expires_timestamp_seconds 0.0" not in site.server.metrics()


def test_a_key_of_another_certificate_changes_nothing(site: TlsSite) -> None:
    make_certificate(site.directory, "other")
    shutil.copy(site.directory / "other.key", site.directory / "site.key")
    site.reload()
    (line,) = site.server.lines("reload_failed")
    assert "site.pem: not a certificate with its key (KEY_VALUES_MISMATCH)" in str(line["faults"])
    assert {site.is_served("first") for _ in range(10)} == {True}
    shutil.copy(site.directory / "other.pem", site.directory / "site.pem")
    site.reload()
    assert {site.is_served("other") for _ in range(10)} == {True}


def test_no_handshake_fails_under_load_and_while_certificates_change(site: TlsSite) -> None:
    trusted = ssl.create_default_context(cafile=str(site.directory / "first.pem"))
    names = [f"next-{number}" for number in range(3)]
    for name in names:
        trusted.load_verify_locations(make_certificate(site.directory, name).chain)
    done = threading.Event()

    def change() -> None:
        for name in names:
            for suffix in ("key", "pem"):
                shutil.copy(site.directory / f"{name}.{suffix}", site.directory / f"site.{suffix}")
            site.server.process.send_signal(signal.SIGHUP)
            done.wait(1)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with ThreadPoolExecutor(8) as clients:
            assert all(clients.map(lambda _: site.is_served("", trusted), range(HANDSHAKES)))
    finally:
        done.set()
        changing.join()
