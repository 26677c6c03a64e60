"""The proxy that makes S3 slow or absent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.client import Client
from benchmarks.results import BenchError
from tests.support.delaying_proxy import DelayingProxy

BODY = b"x" * 3_000_000


class _Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class gives it
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[DelayingProxy]:
    engine = ThreadingHTTPServer(("127.0.0.1", 0), _Engine)
    thread = threading.Thread(target=engine.serve_forever, args=(0.01,))
    thread.start()
    try:
        with DelayingProxy(f"http://127.0.0.1:{engine.server_port}") as proxy:
            yield proxy
    finally:
        engine.shutdown()
        thread.join()
        engine.server_close()


@pytest.fixture
def client(proxy: DelayingProxy) -> Iterator[Client]:
    client = Client(proxy.url)
    yield client
    client.close()


def test_bytes_pass_unchanged_and_requests_are_counted(proxy: DelayingProxy, client: Client) -> None:
    assert client.get("/").body == BODY
    assert client.get("/").body == BODY
    assert proxy.requests == 2


def test_each_answer_is_late_once_however_many_chunks_it_has(proxy: DelayingProxy, client: Client) -> None:
    client.get("/")
    proxy.delay = 0.5

    def seconds() -> float:
        started = time.monotonic()
        assert client.get("/").first_byte >= 0.5
        return time.monotonic() - started

    # A dozen chunks, each late on its own, would take six seconds on any machine. A busy one may take as long now and then.
    assert any(seconds() < 6 for _ in range(20))


def test_it_refuses_and_is_back_on_the_same_port(proxy: DelayingProxy, client: Client) -> None:
    client.get("/")
    url = proxy.url
    proxy.refuse()
    for _ in range(2):  # the connection that was open is cut, a new one is not made
        with pytest.raises(BenchError):
            client.get("/")
    proxy.resume()
    assert proxy.url == url
    assert client.get("/").body == BODY
