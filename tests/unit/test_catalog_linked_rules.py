"""What the links of one folder may cost: how many other folders are read for them, and how much is kept of those."""

from __future__ import annotations

import itertools

import pytest
from structlog.testing import capture_logs

from app.catalog import SnapshotLoader, linked_rules
from app.catalog.linked_rules import FOLDERS_AT_ONCE, MAX_BYTES, MAX_FOLDERS
from app.catalog.snapshot import Snapshot
from app.domain.access import ANONYMOUS, Principal
from app.domain.paths import ArtifactPath
from app.policy.decide import visible_entry
from app.policy.site_policy import SitePolicy
from app.storage.store import CONTROL_FILE_LIMIT
from tests.support.memory_store import MemoryStore
from tests.support.policy import DEFAULTS

FOLDER = ArtifactPath.from_text("d/")
TOO_MANY = MAX_FOLDERS + 20


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("d/own.bin")
    return store


@pytest.fixture
def loader(store: MemoryStore) -> SnapshotLoader:
    return SnapshotLoader(
        store, site=SitePolicy(), default_public=True, default_licences=DEFAULTS, versions=itertools.count()
    )


def link_to(store: MemoryStore, *folders: int) -> list[str]:
    """Link to a file in each of some folders; gives the names of the links in their order."""
    for number in folders:
        store.put(f"t/{number:03}/f.bin")
        store.link(f"d/{number:03}.bin", f"t/{number:03}/f.bin")
    return [f"{number:03}.bin" for number in folders]


def shown_in(snapshot: Snapshot, principal: Principal = ANONYMOUS) -> list[str]:
    return [
        entry.name
        for entry in snapshot.entries
        if visible_entry(FOLDER, entry, snapshot.rules, principal) is not None
    ]


def folders_listed(store: MemoryStore) -> int:
    return sum(call.operation == "list" and call.path != FOLDER.text for call in store.calls)


async def test_so_many_folders_are_read_for_links_and_no_more(
    store: MemoryStore, loader: SnapshotLoader
) -> None:
    names = link_to(store, *range(TOO_MANY))
    snapshot = await loader.load(FOLDER)
    assert folders_listed(store) == MAX_FOLDERS
    assert shown_in(snapshot) == [*names[:MAX_FOLDERS], "own.bin"]
    assert shown_in(snapshot, Principal(trusted=True)) == [*names, "own.bin"]


async def test_many_links_to_one_folder_cost_one_listing(store: MemoryStore, loader: SnapshotLoader) -> None:
    store.put("t/f.bin")
    names = [f"{number:03}.bin" for number in range(TOO_MANY)]
    for name in names:
        store.link(f"d/{name}", "t/f.bin")
    with capture_logs() as logs:
        assert shown_in(await loader.load(FOLDER)) == [*names, "own.bin"]
    assert folders_listed(store) == 1
    assert [line for line in logs if line["event"] == "links_beyond_budget"] == []


async def test_rules_behind_links_take_no_more_memory_than_they_may(
    store: MemoryStore, loader: SnapshotLoader
) -> None:
    names = link_to(store, *range(40))
    for number in range(40):
        store.put(f"t/{number:03}/EULA.txt", b"%03d" % number + b"x" * (CONTROL_FILE_LIMIT - 3))
    room = MAX_BYTES // CONTROL_FILE_LIMIT
    shown = shown_in(await loader.load(FOLDER))
    assert 0 < len(shown) - 1 <= room
    assert shown == [*names[: len(shown) - 1], "own.bin"]
    assert folders_listed(store) <= room + FOLDERS_AT_ONCE


async def test_the_log_names_such_a_folder_once_until_it_is_within_the_budget(
    store: MemoryStore, loader: SnapshotLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked_rules, "MAX_FOLDERS", 2)
    names = link_to(store, 0, 1, 2, 3)
    with capture_logs() as logs:
        await loader.load(FOLDER)
        await loader.load(FOLDER)
        store.remove(f"d/{names.pop()}")
        await loader.load(FOLDER)
        for name in names[2:]:
            store.remove(f"d/{name}")
        await loader.load(FOLDER)
        link_to(store, 0, 1, 2, 3)
        await loader.load(FOLDER)
    lines = [line for line in logs if line["event"] == "links_beyond_budget"]
    assert [(line["folder"], line["beyond"]) for line in lines] == [("/d/", 2)] * 2
