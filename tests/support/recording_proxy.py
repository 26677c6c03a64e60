"""Stands before an S3 engine and writes down what arrives there.

It has an address of its own (127.0.0.2), so that a redirect to it leads to another host, as it does in earnest.
The `Host` field is passed on as it came, since it is part of what S3 signatures are made over.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

ADDRESS = "127.0.0.2"
_CHUNK = 64 * 1024
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


class Seen(NamedTuple):
    """A request: method, request target, and header fields with their names in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    @property
    def agent(self) -> str:
        """The `User-Agent` field."""
        return dict(self.headers).get("user-agent", "")

    @property
    def credentials(self) -> list[str]:
        """Each `Authorization` field."""
        return [value for name, value in self.headers if name == "authorization"]


class RecordingProxy:
    """Where it answers, and what it was asked.

    Attributes:
        url: without a slash at its end.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._seen: list[Seen] = []

    def add(self, request: Seen) -> None:
        """Write a request down."""
        self._seen.append(request)

    def seen(self) -> list[Seen]:
        """All requests since the last `forget`."""
        return list(self._seen)

    def seen_from(self, agent: str) -> list[Seen]:
        """The requests of programs that call themselves by a name beginning like this."""
        return [request for request in self._seen if request.agent.lower().startswith(agent)]

    def forget(self) -> None:
        """Begin anew."""
        self._seen.clear()


class _Server(ThreadingHTTPServer):
    """Knows where to pass requests on to, and where to write them down."""

    def __init__(self, upstream: str) -> None:
        super().__init__((ADDRESS, 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.proxy = RecordingProxy(f"http://{ADDRESS}:{self.server_port}")

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away in the middle are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Pass a request on, and its answer back."""
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        self.server.proxy.add(Seen(self.command, self.path, tuple(headers)))
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=30)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name not in _HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.endheaders()
            self._pass_back(upstream.getresponse())
        finally:
            upstream.close()

    do_HEAD = do_GET  # noqa: N815 - the name the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class gives it
        """Say nothing."""

    def _pass_back(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length")
        if length is None and answer.status not in (204, 304):
            whole = answer.read()  # an answer in chunks: only listings are, and they are short
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole)
            return
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        while chunk := answer.read(_CHUNK):
            self.wfile.write(chunk)


@contextmanager
def recording_proxy(upstream: str) -> Iterator[RecordingProxy]:
    """Pass requests without a body on to an engine until the block ends."""
    server = _Server(upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="recording-proxy")
    thread.start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
