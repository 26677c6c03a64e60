"""What `LOG_LEVEL=debug` adds: each folder that was read and each call of a store, with how long it took."""

from __future__ import annotations

import logging

import pytest
from structlog.testing import capture_logs

from app.domain.access import ANONYMOUS
from app.domain.paths import ArtifactPath
from app.telemetry import Metrics
from tests.support.catalogs import catalog_over
from tests.support.memory_store import MemoryStore


async def test_folders_and_calls_are_logged_with_their_times(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = MemoryStore(observe=Metrics().observer_of("primary"))
    store.put("d/EULA.txt", b"Be nice.")
    store.put("d/f.txt", b"x")
    with capture_logs() as logged:
        await catalog_over(store).list_folder(ArtifactPath.parse(b"/d/"), ANONYMOUS)

    folder = next(line for line in logged if line["event"] == "folder_read")
    assert (folder["folder"], folder["entries"], folder["control_files"]) == ("/d/", 2, 1)
    assert folder["seconds"] >= 0
    calls = [line for line in logged if line["event"] == "storage_call"]
    assert {(call["store"], call["operation"], call["outcome"]) for call in calls} >= {
        ("primary", "list", "ok"),
        ("primary", "get", "ok"),
    }
    assert {line["log_level"] for line in (folder, *calls)} == {"debug"}
