"""What was taken back, and what counts while nobody can tell."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest

from app.auth import revocation_object
from app.auth.revocation import (
    MAX_FILE_BYTES,
    MAX_UNREAD_SECONDS,
    NOTHING_REVOKED,
    READ_SECONDS,
    Revocations,
    read_revoked,
    write_revoked,
)
from app.auth.revocation_object import ObjectRevocations
from app.domain.errors import RevocationsUnknown
from app.domain.paths import ArtifactPath
from tests.support.clocks import Clock
from tests.support.memory_store import MemoryStore

NOW = 1_700_000_000.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revoked"
    path.write_text("# taken back\n\nt1 robot, lost laptop\n  t2\n")
    return path


def test_ids_in_the_file_are_taken_back(file: Path) -> None:
    revocations = Revocations(file)
    assert [revocations.is_revoked(name, NOW) for name in ("t1", "t2", "t3", "#", "robot,", "")] == [
        *(True, True),
        *(False, False, False, False),
    ]
    assert not NOTHING_REVOKED.is_revoked("t1", NOW)


def test_a_change_counts_within_the_bound(file: Path) -> None:
    revocations = Revocations(file)
    assert not revocations.is_revoked("t3", NOW)
    write_revoked(file, [("t3", "")])
    assert revocations.is_revoked("t3", NOW + READ_SECONDS)
    assert not revocations.is_revoked("t1", NOW + READ_SECONDS)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * (MAX_FILE_BYTES + 1)])
def test_what_cannot_be_read_for_long_lets_nobody_in(file: Path, content: bytes | None) -> None:
    revocations = Revocations(file)
    assert revocations.is_revoked("t1", NOW)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert revocations.is_revoked("t1", NOW + MAX_UNREAD_SECONDS - 1)
    assert not revocations.is_revoked("t3", NOW + MAX_UNREAD_SECONDS - 1)
    with pytest.raises(RevocationsUnknown):
        revocations.is_revoked("t3", NOW + MAX_UNREAD_SECONDS)
    write_revoked(file, [])
    assert not revocations.is_revoked("t1", NOW + MAX_UNREAD_SECONDS + READ_SECONDS)


def test_a_file_that_never_was_there_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(RevocationsUnknown):
        Revocations(tmp_path / "none").is_revoked("t1", NOW)


def test_a_clock_that_is_set_back_has_the_file_read_again(file: Path) -> None:
    revocations = Revocations(file)
    revocations.is_revoked("t1", NOW)
    write_revoked(file, [("t3", "")])
    assert revocations.is_revoked("t3", NOW - 3600)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    written = {"a": "", "b": "with a note"}
    write_revoked(tmp_path / "f", written.items())
    assert read_revoked(tmp_path / "f") == written
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_what_looks_like_an_id_is_one(file: Path) -> None:
    """However an editor, a spreadsheet or a script writes the file: an id that is overlooked would go on counting."""
    file.write_bytes("\ufefft1\r\n\r\n  t2  \nt3\tlost laptop\nt4  two  words\r\n# t5\nt6 # left".encode())
    assert read_revoked(file) == {"t1": "", "t2": "", "t3": "lost laptop", "t4": "two  words", "t6": "# left"}
    revocations = Revocations(file)
    revoked = [
        identifier
        for identifier in ("t1", "t2", "t3", "t4", "t5", "t6")
        if revocations.is_revoked(identifier, NOW)
    ]
    assert revoked == ["t1", "t2", "t3", "t4", "t6"]


# --- an object of a store ------------------------------------------------------------------------------

LIST = ArtifactPath.of("revoked")


class Fed(NamedTuple):
    """What knows the ids of an object, its store, and the time of day."""

    revocations: ObjectRevocations
    store: MemoryStore
    clock: Clock

    async def read(self) -> None:
        await self.revocations.read_from(self.store, LIST)

    def is_revoked(self, identifier: str) -> bool:
        return self.revocations.is_revoked(identifier, self.clock.now)


@pytest.fixture
def fed() -> Fed:
    clock, store = Clock(), MemoryStore()
    clock.now = NOW
    store.put("revoked", b"t1 lost\n")
    return Fed(ObjectRevocations(clock), store, clock)


async def test_ids_of_an_object_are_taken_back_once_they_are_read(fed: Fed) -> None:
    with pytest.raises(RevocationsUnknown):
        fed.is_revoked("t1")
    await fed.read()
    assert (fed.is_revoked("t1"), fed.is_revoked("t2")) == (True, False)
    fed.store.put("revoked", b"t2\n")
    await fed.read()
    assert (fed.is_revoked("t1"), fed.is_revoked("t2")) == (False, True)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * (MAX_FILE_BYTES + 1)])
async def test_an_object_that_cannot_be_read_for_long_lets_nobody_in(fed: Fed, content: bytes | None) -> None:
    await fed.read()
    fed.store.remove("revoked")
    if content is not None:
        fed.store.put("revoked", content)
    fed.clock.now += MAX_UNREAD_SECONDS - 1
    await fed.read()
    assert (fed.is_revoked("t1"), fed.is_revoked("t2")) == (True, False)
    fed.clock.now += 1
    with pytest.raises(RevocationsUnknown):
        fed.is_revoked("t2")
    fed.store.put("revoked", b"")
    await fed.read()
    assert not fed.is_revoked("t1")


async def test_what_was_read_counts_from_when_reading_it_began(fed: Fed) -> None:
    class SlowStore(MemoryStore):
        async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
            fed.clock.now += MAX_UNREAD_SECONDS
            return b""

    await fed.revocations.read_from(SlowStore(), LIST)
    with pytest.raises(RevocationsUnknown):
        fed.is_revoked("t1")


async def test_an_object_is_read_at_once_and_again_and_again(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_object, "READ_SECONDS", 0.01)
    async with fed.revocations.kept_fresh(fed.store, LIST):
        assert fed.is_revoked("t1")
        fed.store.put("revoked", b"t2\n")
        async with asyncio.timeout(10):
            while not fed.is_revoked("t2"):
                await asyncio.sleep(0.01)
