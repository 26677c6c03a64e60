"""A server that is attacked, and the proof that it is none the worse for it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from starlette.types import ASGIApp
from structlog.testing import LogCapture

from tests.support.live_server import LiveServer, app_over
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import RawAnswer, ask, request
from tests.support.site_policies import MEMBERS
from tests.support.waiting import PATIENCE


def small_tree() -> MemoryStore:
    """A public file of 1,000 bytes, one behind a licence, and one for members (by `MEMBERS`)."""
    store = MemoryStore()
    store.put("public/a.txt", b"0123456789" * 100)
    store.put("public/sub/b.txt", b"b")
    store.put("eula/BUILD-INFO.txt", build_info(b"Be nice."))
    store.put("eula/x.img", b"image")
    store.put("members/secret.txt", b"secret")
    return store


def build_info(licence: bytes) -> bytes:
    """A BUILD-INFO.txt that protects images by this licence."""
    head = b"Format-Version: 0.5\n\nFiles-Pattern: *.img\nLicense-Type: protected\nLicense-Text: "
    return head + licence + b"\n"


def attacked_app() -> ASGIApp:
    """A server of that tree as sites run it: with a cache, which has a shorter way for usual requests."""
    return app_over(small_tree(), policy=MEMBERS, cache_ttl=60, cache_grace=60, cache_max_stale=600)


@contextmanager
def unharmed(server: LiveServer, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that the server logs no error within the block, and answers as ever behind it."""
    capture = LogCapture()
    before = structlog.get_config()
    everything = structlog.make_filtering_bound_logger(logging.NOTSET)
    structlog.configure(wrapper_class=everything, processors=[capture])
    try:
        yield
        assert_well(server)
    finally:
        structlog.configure(**before)
    errors = [e for e in capture.entries if e["log_level"] in ("error", "critical") or "exc_info" in e]
    assert not errors, errors
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def connect(server: LiveServer) -> socket.socket:
    """A connection on which nothing was sent yet."""
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


def assert_well(server: LiveServer) -> None:
    """Assert that the server lives, and gives a listing as it should be."""
    assert ask(server.port, request(target=b"/healthz")).body == b'{"status":"ok"}'
    assert ask(server.port, request(target=b"/?format=text")).body == b"eula/\npublic/\n"


def assert_refused(answer: RawAnswer, *statuses: int) -> None:
    """Assert that an answer has one of these statuses, and is what scripts can read."""
    assert answer.status in statuses, (answer.status, answer.body[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body.startswith(b'{"type":"urn:pierhead:problem:')
    assert b"Traceback" not in answer.body
