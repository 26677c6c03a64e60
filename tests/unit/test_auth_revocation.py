"""What was taken back, and what counts while nobody can tell."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
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
    add_revoked,
    line_to_add,
    read_revoked,
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
    file.write_text("t3")
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
    file.write_text("")
    assert not revocations.is_revoked("t1", NOW + MAX_UNREAD_SECONDS + READ_SECONDS)


def test_a_file_that_never_was_there_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(RevocationsUnknown):
        Revocations(tmp_path / "none").is_revoked("t1", NOW)


def test_a_clock_that_is_set_back_has_the_file_read_again(file: Path) -> None:
    revocations = Revocations(file)
    revocations.is_revoked("t1", NOW)
    file.write_text("t3")
    assert revocations.is_revoked("t3", NOW - 3600)


def test_what_is_added_can_be_read(tmp_path: Path) -> None:
    made = tmp_path / "f"
    for identifier, note in [("a", ""), ("b", "with a\nnote"), ("a", ""), ("b", "another")]:
        add_revoked(made, identifier, note)
    assert made.read_text() == "a\nb with a note\nb another\n"
    assert read_revoked(made) == {"a": "", "b": "another"}
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_to_add_an_id_changes_nothing_else_of_the_file(file: Path, tmp_path: Path) -> None:
    """Its mode, comments and notes stay, and a link to it: other replicas read what it leads to."""
    before = file.read_text().rstrip("\n")
    file.write_text(before)  # as an editor may leave it
    file.chmod(0o640)
    inode, link = file.stat().st_ino, tmp_path / "link"
    link.symlink_to(file)
    mask = os.umask(0o077)
    try:
        add_revoked(link, "t3", "lost")
    finally:
        os.umask(mask)
    assert file.read_text() == f"{before}\nt3 lost\n"
    assert link.is_symlink()
    assert (file.stat().st_ino, file.stat().st_mode & 0o777) == (inode, 0o640)


def test_those_who_add_at_once_do_not_undo_each_other(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: add_revoked(file, f"by-{n}", ""), range(64)))
    assert {f"by-{n}" for n in range(64)} < read_revoked(file).keys()


def test_a_list_does_not_grow_beyond_what_is_read() -> None:
    full = b"x" * (MAX_FILE_BYTES - 3) + b"\n"
    assert line_to_add(full, "t", "") == b"t\n"
    with pytest.raises(ValueError, match="full"):
        line_to_add(full, "t1", "")


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
