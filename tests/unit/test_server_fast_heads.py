"""A head that comes again is not parsed again. It is answered only while its credentials are valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Authenticator
from app.auth.revocation import READ_SECONDS, Revocations
from app.cache.byte_cache import ByteCache
from app.responses.requester import Requester
from app.server.fast_notes import FastNotes
from app.server.fast_path import REMEMBERED_HEADS, FastPath
from app.server.fast_request import RequestReader
from app.server.framing import is_host
from app.server.last_answers import LastAnswers
from app.telemetry import Metrics
from tests.unit.test_server_fast_path import PEER, Lookup, fast_path, head, page_answer
from tests.unit.test_server_fast_request import KEYS, NETWORKS, PROXIES, SESSIONS, TOKEN, Clock


@pytest.mark.parametrize("ends", ["expires", "is revoked"])
def test_the_same_head_is_not_answered_any_more_when_its_token_has_ended(ends: str, tmp_path: Path) -> None:
    clock, revoked = Clock(), tmp_path / "revoked"
    revoked.touch()
    authenticator = Authenticator(KEYS, SESSIONS, Revocations(revoked), NETWORKS, PROXIES)
    made = RequestReader(Requester(authenticator, NETWORKS, PROXIES, clock), is_host)
    notes = FastNotes(metrics=Metrics(), access_log=None, tracing=None, replica_id="r1")
    lookup: Any = Lookup(page_answer(same_for=1.0))
    path = FastPath(made, lookup, LastAnswers(ByteCache(1000), lambda: 0.0), notes)
    asked = f"GET /a/ HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    for _ in range(2):
        request = path.read(bytes(bytearray(asked)), PEER, "http")
        assert request is not None
        assert path.answer(request, lambda *_: None)
    assert lookup.asked == 1
    if ends == "expires":
        clock.now += 600
    else:
        revoked.write_text("1\n")
        clock.now += READ_SECONDS
    assert path.read(bytes(bytearray(asked)), PEER, "http") is None


def test_the_same_head_from_elsewhere_is_another_request() -> None:
    path = fast_path(None, None)
    once, again = (path.read(head(100), PEER, "http") for _ in range(2))
    assert once is again
    elsewhere = path.read(head(100), ("203.0.113.2", 40000), "http")
    assert elsewhere is not None
    assert elsewhere.asked.client == "203.0.113.2"
    assert path.read(head(100), PEER, "https") is not once


def test_not_more_heads_are_kept_than_there_may_be() -> None:
    path = fast_path(None, None)
    for number in range(REMEMBERED_HEADS + 10):
        assert path.read(head(100).replace(b"/a/", b"/%d/" % number), PEER, "http") is not None
        assert len(path._heads) <= REMEMBERED_HEADS
