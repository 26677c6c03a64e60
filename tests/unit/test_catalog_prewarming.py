"""Which folders are read before anybody asks, how many at a time, and what is said of it."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from app.catalog.prewarming import Prewarming
from app.domain.entries import Listing
from app.domain.errors import StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.store import FolderWatch
from tests.support.catalogs import catalog_over, tree_of
from tests.support.memory_store import MemoryStore
from tests.support.waiting import PATIENCE


class CountingStore(MemoryStore):
    """Counts how many folders are listed at the same time."""

    running = most = 0

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return await super().list_folder(path, watch)


async def prewarmed(store: MemoryStore, *wanted: str, seconds: float = 60.0) -> list[dict[str, object]]:
    """The lines of the log about it, without its time."""
    catalog = catalog_over(store)
    with capture_logs() as log:
        await Prewarming(wanted).run(catalog, seconds)
    await catalog.aclose()
    said = [line for line in log if line["event"].startswith("prewarm")]
    assert not said or 0 <= said[-1]["seconds"] < PATIENCE
    return [{name: value for name, value in line.items() if name != "seconds"} for line in said]


def done(folders: int, failed: int = 0) -> dict[str, object]:
    return {"event": "prewarmed", "log_level": "info", "folders": folders, "failed": failed}


def listed(store: MemoryStore) -> list[str]:
    return sorted(call.path for call in store.calls if call.operation == "list")


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ((), []),
        (("0",), []),
        (("1",), ["/"]),
        (("2",), ["/", "/a/"]),
        (("3", "1"), ["/", "/a/", "/a/b/"]),
        (("/a/b/c", "1"), ["/", "/a/b/c/"]),
    ],
)
async def test_what_is_read(wanted: tuple[str, ...], read: list[str]) -> None:
    store = tree_of("file", "a/file", "a/b/c/file")
    said = await prewarmed(store, *wanted)
    assert listed(store) == [path.lstrip("/") for path in read]
    assert said == ([done(len(read))] if read else [])


async def test_a_folder_that_cannot_be_read_keeps_no_other_from_it() -> None:
    store = tree_of("a/file", "b/file", "c/file")
    store.fail_on("list", StoreUnavailable("timeout"), path="b/")
    said = await prewarmed(store, "2")
    reason = "the storage does not answer at the moment (timeout)"
    failed = {"event": "prewarm_failed", "log_level": "warning", "folder": "/b/", "reason": reason}
    assert said == [failed, done(3, 1)]


async def test_clients_find_places_left() -> None:
    store = CountingStore()
    for number in range(40):
        store.put(f"{number}/file")
    assert await prewarmed(store, "2") == [done(41)]
    assert store.most == 16


async def test_it_ends_when_the_time_is_over() -> None:
    store = tree_of("a/file")
    said = await prewarmed(store, "1", seconds=0.0)
    assert said == [{"event": "prewarm_took_too_long", "log_level": "warning"}, done(0)]
