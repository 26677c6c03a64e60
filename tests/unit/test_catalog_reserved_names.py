"""The operator is told of names that the server needs for itself."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from app.domain.access import ANONYMOUS
from app.domain.mounts import WHOLE_TREE
from app.domain.paths import ROOT, ArtifactPath
from tests.support.catalogs import catalog_over
from tests.support.memory_store import MemoryStore


def test_each_is_logged_once() -> None:
    store = MemoryStore()
    store.put("api/f")
    store.put("license")
    store.put("releases/api/f")

    async def browse() -> None:
        catalog = catalog_over(store)
        for folder in (ROOT, ArtifactPath.of("releases", is_folder=True)):
            await catalog.view_folder(folder, ANONYMOUS)
        store.put("metrics")
        catalog.invalidate(ArtifactPath.of("metrics"))
        await catalog.view_folder(ROOT, ANONYMOUS)

    with capture_logs() as logs:
        asyncio.run(browse())
    told = [line for line in logs if line["event"] == "name_is_reserved"]
    assert [(line["log_level"], line["path"]) for line in told] == [
        ("warning", "api/"),
        ("warning", "license"),
        ("warning", "metrics"),
    ]
    assert f"{WHOLE_TREE}/license" in told[1]["effect"]
