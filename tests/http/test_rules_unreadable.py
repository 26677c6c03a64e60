"""A rules file that is there and cannot be read never counts as none."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from app.domain.errors import NotFound, StoreDenied, StoreUnavailable
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore

CONTROL_FILES = ["BUILD-INFO.txt", "EULA.txt", "f.bin.EULA.txt.linaro"]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("open/f.bin", b"open")
    return store


@pytest.fixture
def client(store: MemoryStore) -> Iterator[httpx.Client]:
    with live_server(app_over(store)) as server, httpx.Client(base_url=server.url) as http:
        yield http


@pytest.mark.parametrize("path", ["/d/", "/d/?format=json", "/d/f.bin", "/api/ls/d/", "/api/license/d/f.bin"])
@pytest.mark.parametrize("name", CONTROL_FILES)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailable("timeout"), 503),
        (StoreUnavailable("throttled"), 503),
        (StoreDenied(), 502),
        (NotFound(), 503),  # the listing shows it, so the store does not agree with itself
    ],
)
def test_a_folder_whose_rules_cannot_be_read_is_closed(
    client: httpx.Client, store: MemoryStore, path: str, name: str, error: Exception, status: int
) -> None:
    store.put("d/f.bin", b"protected")
    store.put(f"d/{name}", b"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: open\n")
    store.fail_on("get", error, path=f"d/{name}")
    answer = client.get(path)
    assert answer.status_code == status
    assert b"protected" not in answer.content
    assert client.get("/open/f.bin").status_code == 200


@pytest.mark.parametrize("name", CONTROL_FILES)
def test_a_control_file_that_the_store_names_but_cannot_serve_closes_the_folder(
    client: httpx.Client, store: MemoryStore, name: str
) -> None:
    store.put("d/f.bin", b"protected")
    store.skip("d/", name)
    assert client.get("/d/f.bin").status_code == 503
    store.skip("d/")
    assert client.get("/d/f.bin").status_code == 200
