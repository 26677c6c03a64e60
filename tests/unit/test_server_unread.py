"""The end of a connection over TLS, to a client that does not look at it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.server import unread
from app.server.accepting_loop import AcceptingLoop
from app.server.protocol import BoundedHttpProtocol
from app.server.send_watch import has_sent_all
from app.server.tls import TlsFiles
from tests.support.certificates import make_certificate

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
LIMIT = 20
"""Seconds; less than the 30 for which the event loop waits for the client to close its side."""


async def answer_no(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def ask(address: tuple[str, int]) -> ssl.SSLSocket:
    """Ask once, and keep the connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kept = context.wrap_socket(socket.create_connection(address, LIMIT))
    kept.sendall(REQUEST)
    assert kept.recv(65536).startswith(b"HTTP/1.1 404")
    return kept


def test_a_kept_connection_ends_though_its_client_does_not_look(
    listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "FAREWELL_SECONDS", 0.05)
    chain, key = make_certificate(tmp_path, "site", 90)
    context = TlsFiles(chain.read_bytes(), key.read_bytes()).context()
    config, state = uvicorn.Config(answer_no, log_config=None), ServerState()

    def protocol() -> BoundedHttpProtocol:
        return BoundedHttpProtocol(config=config, server_state=state, app_state={})

    async def serve_one_and_end() -> bytes:
        config.load()
        server = await asyncio.get_running_loop().create_server(protocol, sock=listening, ssl=context)
        kept = await asyncio.to_thread(ask, listening.getsockname())
        with kept:
            connections = list(state.connections)
            for connection in connections:
                connection.shutdown()
            try:
                async with asyncio.timeout(LIMIT):
                    while state.connections:
                        await asyncio.sleep(0.01)
            finally:
                server.close()
                for connection in connections:
                    connection.transport.abort()
            return await asyncio.to_thread(kept.recv, 1)

    with asyncio.Runner(loop_factory=AcceptingLoop) as runner:
        assert runner.run(serve_one_and_end()) == b"", "the client was not told the end"


def test_what_waits_for_a_client_is_seen() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert has_sent_all(ours)
        ours.sendall(b"x")
        assert not has_sent_all(ours)
        theirs.recv(1)
        assert has_sent_all(ours)
