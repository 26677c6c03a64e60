"""An archive whose storage fails: it breaks off, and that is no failure of the server."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from app.domain.errors import StoreUnavailable
from tests.support.in_process import Ask, Asker, send
from tests.support.live_server import app_over
from tests.support.memory_store import MemoryStore


@pytest.mark.parametrize("operation", ["head", "get"])
async def test_a_storage_that_fails_is_no_failure_of_the_server(operation: str) -> None:
    store = MemoryStore()
    store.put("d/a", b"A")
    store.put("d/b", b"B")
    store.fail_on(operation, StoreUnavailable("timeout"), path="d/b")
    with capture_logs() as log:
        answer = await send(app_over(store, archives="on"), Ask("/d/", query="archive=tar"), Asker("script"))
    assert (answer.status, answer.is_whole) == (200, False)
    assert not [line for line in log if line["event"] == "request_failed"]
