"""What one folder's control files may cost: how many are read, how many at once, and where they are hashed."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from app.catalog import SnapshotLoader, snapshot_loader
from app.catalog.control_files import (
    MAX_CONTROL_BYTES,
    MAX_CONTROL_FILES,
    NO_CONTROL_FILES,
    READS_AT_ONCE,
    ControlNames,
    read_control_file,
    read_control_files,
)
from app.catalog.snapshot import Snapshot
from app.domain.access import ANONYMOUS, Access, Allow, Forbidden, NeedsLicence, Principal
from app.domain.errors import Moved, ObjectArchived, ObjectEncrypted, RulesUnreadable, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.domain.turns import MANY_BYTES
from app.policy.decide import classify, compose, decide, explain
from app.policy.site_policy import SitePolicy
from app.storage.store import CONTROL_FILE_LIMIT
from tests.support.memory_store import MemoryStore
from tests.support.policy import DEFAULTS

FOLDER = ArtifactPath.from_text("d/")
FILE = FOLDER.child("x.img")
MEMBER = Principal(subject="m", groups=frozenset({"staff"}))


class CountingStore(MemoryStore):
    """Lets others run during each read, and counts how many there are at once, and their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = 0
        self.most_at_once = 0
        self.bytes_read = 0

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        self.reading += 1
        self.most_at_once = max(self.most_at_once, self.reading)
        try:
            await asyncio.sleep(0)
            content = await super().read_small(path, is_listed=is_listed)
        finally:
            self.reading -= 1
        self.bytes_read += len(content)
        return content

    @property
    def reads(self) -> int:
        return sum(call.operation == "get" for call in self.calls)


@pytest.fixture
def store() -> CountingStore:
    store = CountingStore()
    store.put("d/x.img", b"image")
    return store


async def load(store: MemoryStore) -> Snapshot:
    loader = SnapshotLoader(
        store, site=SitePolicy(), default_public=True, default_licences=DEFAULTS, versions=itertools.count()
    )
    return await loader.load(FOLDER)


def assert_closed(snapshot: Snapshot, limit: int) -> None:
    for path in (FOLDER, FILE, FOLDER.child("0"), FOLDER.child("absent")):
        for principal in (ANONYMOUS, MEMBER):
            decision = decide(path, snapshot.rules, principal)
            assert isinstance(decision, Forbidden)
            assert decision.reason == "the access rules of this folder are too large (d/)"
        assert classify(path, snapshot.rules)[0] is Access.CLOSED
        assert f"must not be more than {limit} " in explain(path, snapshot.rules, ANONYMOUS).reasons[0]


async def test_a_folder_with_too_much_text_is_closed_and_its_rest_is_not_read(store: CountingStore) -> None:
    text = b"x" * CONTROL_FILE_LIMIT
    for number in range(400):
        store.put(f"d/{number}.EULA.txt", text)
    assert_closed(await load(store), MAX_CONTROL_BYTES)
    assert store.bytes_read <= MAX_CONTROL_BYTES + READS_AT_ONCE * CONTROL_FILE_LIMIT
    assert store.reading == 0


async def test_a_folder_with_too_many_control_files_is_closed_and_none_is_read(store: CountingStore) -> None:
    for number in range(MAX_CONTROL_FILES):
        store.put(f"d/{number}.EULA.txt", b"")
    assert isinstance(decide(FOLDER.child("0"), (await load(store)).rules, ANONYMOUS), NeedsLicence)
    assert store.reads == MAX_CONTROL_FILES
    store.calls.clear()
    store.put("d/one-more.EULA.txt", b"")
    assert_closed(await load(store), MAX_CONTROL_FILES)
    assert store.reads == 0


async def test_folders_that_are_called_like_control_files_count(store: CountingStore) -> None:
    for number in range(MAX_CONTROL_FILES + 1):
        store.put(f"d/{number}.EULA.txt/f", b"")
    assert_closed(await load(store), MAX_CONTROL_FILES)
    assert store.reads == 0


async def test_what_just_fits_is_read(store: CountingStore) -> None:
    files = MAX_CONTROL_BYTES // CONTROL_FILE_LIMIT
    for number in range(files):
        store.put(f"d/{number}.EULA.txt", b"%d" % number + b"x" * (CONTROL_FILE_LIMIT - 1))
    rules = (await load(store)).rules
    assert decide(FOLDER, rules, ANONYMOUS) == Allow()
    assert isinstance(decide(FOLDER.child("3"), rules, ANONYMOUS), NeedsLicence)
    assert store.bytes_read == MAX_CONTROL_BYTES


async def test_what_governs_the_folder_alone_counts(store: CountingStore) -> None:
    for number in range(MAX_CONTROL_FILES + 1):
        store.put(f"d/{number}.EULA.txt", b"")
    store.put("d/OPEN-EULA.txt", b"")
    assert decide(FILE, (await load(store)).rules, ANONYMOUS) == Allow()


async def test_few_control_files_are_read_at_once(store: CountingStore) -> None:
    for number in range(5 * READS_AT_ONCE):
        store.put(f"d/{number}.EULA.txt", b"%d" % number)
    await load(store)
    assert store.most_at_once == READS_AT_ONCE
    assert store.reads == 5 * READS_AT_ONCE


async def test_after_a_failure_the_rest_is_not_read(store: CountingStore) -> None:
    for number in range(100, 500):
        store.put(f"d/{number}.EULA.txt", b"")
    store.fail_on("get", StoreUnavailable("timeout"), path="d/100.EULA.txt")
    with pytest.raises(StoreUnavailable):
        await load(store)
    assert store.reads <= READS_AT_ONCE


@pytest.mark.parametrize(("size", "is_apart"), [(MANY_BYTES - 1, False), (MANY_BYTES, True)])
async def test_long_texts_are_hashed_off_the_event_loop(
    store: CountingStore, size: int, is_apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def compose_here(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.get_ident())
        rules = compose(*arguments, **options)
        (licence,) = classify(FILE, rules)[1]
        assert "_digests" in vars(licence)  # both, so that the loop is left with neither
        return rules

    monkeypatch.setattr(snapshot_loader, "compose", compose_here)
    store.put("d/x.img.EULA.txt", b"x" * size)
    await load(store)
    assert len(threads) == 1
    assert (threads[0] != threading.get_ident()) == is_apart


async def test_where_no_name_is_seen_none_is_read(store: CountingStore) -> None:
    folder = ArtifactPath.of("d", is_folder=True)
    read = await read_control_files(store, folder, ControlNames(()))
    assert (tuple(read.rules), read.link) == NO_CONTROL_FILES


async def test_the_fingerprint_tells_files_apart(store: CountingStore) -> None:
    prints = set()
    for content in (b"a", b"b", b"", b"x" * CONTROL_FILE_LIMIT + b"x"):
        store.put("d/x.img.EULA.txt", content)
        prints.add((await load(store)).fingerprint)
    store.put("d/y.EULA.txt", b"a")
    store.put("d/x.img.EULA.txt", b"a")
    prints.add((await load(store)).fingerprint)
    assert len(prints) == 5


@pytest.mark.parametrize("error", [ObjectArchived("GLACIER"), ObjectEncrypted(), Moved(FILE)])
async def test_rules_that_cannot_be_had_are_not_none(store: CountingStore, error: Exception) -> None:
    store.put("d/EULA.txt", b"text")
    store.fail_on("get", error)
    with pytest.raises(RulesUnreadable):
        await read_control_file(store, FOLDER, "EULA.txt", is_listed=True)


def test_the_limits_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/access.md").read_text()
    mebibytes = MAX_CONTROL_BYTES // 1024**2
    assert f"up to {MAX_CONTROL_FILES:,} control files with {mebibytes} MiB in total" in " ".join(
        page.split()
    )
