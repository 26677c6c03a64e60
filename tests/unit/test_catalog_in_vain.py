"""A denial that looks like a 404 costs the calls of one, for another name, and only once for a moment."""

from __future__ import annotations

import pytest

from app.catalog.in_vain import InVain
from app.domain.errors import StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from tests.support.clocks import Clock
from tests.support.memory_store import MemoryStore

FOLDER = ArtifactPath.of("private", is_folder=True)
FILE = FOLDER.child("fw.img")


def calls_of(store: MemoryStore) -> list[tuple[str, bool]]:
    """The operations, and whether each was about a name in the private folder; of none that there is."""
    assert not any("fw.img" in call.path or call.path.endswith("private/") for call in store.calls)
    made = [(call.operation, call.path.lstrip("/").startswith("private/")) for call in store.calls]
    store.calls.clear()
    return made


async def test_a_file_costs_a_head_and_a_listing_and_a_folder_a_listing() -> None:
    clock, store = Clock(), MemoryStore()
    store.put("private/fw.img")
    in_vain = InVain(store, store.list_folder, seconds=5, clock=clock)
    await in_vain.look_for(FILE)
    assert calls_of(store) == [("head", True), ("list", True)]
    await in_vain.look_for(FOLDER)
    assert calls_of(store) == [("list", False)]
    await in_vain.look_for(FILE)
    await in_vain.look_for(FOLDER)
    assert calls_of(store) == []
    clock.now += 5
    await in_vain.look_for(FILE)
    assert calls_of(store) == [("head", True), ("list", True)]


async def test_a_name_that_turns_out_to_be_moved_is_as_absent() -> None:
    store = MemoryStore()
    store.put("elsewhere/fw.img")
    store.link("private", "elsewhere")
    in_vain = InVain(store, store.list_folder, seconds=5, clock=Clock())
    await in_vain.look_for(FILE)
    assert calls_of(store) == [("head", True), ("list", True)]


@pytest.mark.parametrize("operation", ["head", "list"])
async def test_a_store_that_fails_fails_here_too_and_is_asked_again(operation: str) -> None:
    store = MemoryStore()
    in_vain = InVain(store, store.list_folder, seconds=5, clock=Clock())
    store.fail_on(operation, StoreUnavailable("timeout"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await in_vain.look_for(ROOT.child("fw.img"))
