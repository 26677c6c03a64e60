"""A line of the audit log is written whole, or who has it is told."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from app.domain.errors import AuditUnavailable
from app.telemetry.audit_file import MAX_WAITING, AuditFile
from tests.support.waiting import wait_until


async def test_a_line_is_there_once_it_was_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    file = AuditFile(path)
    for line in (b"a\n", b"b\n"):
        await file.append(line)
        assert path.read_bytes().endswith(line)
    assert path.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("creates_anew", [True, False])
async def test_a_file_that_was_moved_away_is_followed_by_a_new_one(
    tmp_path: Path, creates_anew: bool
) -> None:
    path, rotated = tmp_path / "audit", tmp_path / "audit.1"
    file = AuditFile(path)
    await file.append(b"before\n")
    path.rename(rotated)
    if creates_anew:
        path.touch()
    await file.append(b"after\n")
    assert (rotated.read_bytes(), path.read_bytes()) == (b"before\n", b"after\n")


async def test_a_file_that_was_copied_and_cut_is_written_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    file = AuditFile(path)
    await file.append(b"before\n")
    os.truncate(path, 0)
    await file.append(b"after\n")
    assert path.read_bytes() == b"after\n"


async def test_several_write_to_one_file_and_no_line_gets_into_another(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    files = [AuditFile(path) for _ in range(4)]
    lines = [b"%d" % number * 200 + b"\n" for number in range(4)]
    await asyncio.gather(
        *(file.append(line) for file, line in zip(files, lines, strict=True) for _ in range(50))
    )
    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(lines * 50)


async def test_what_cannot_be_written_is_told_and_works_again_by_itself(tmp_path: Path) -> None:
    place = tmp_path / "later"
    file = AuditFile(place / "audit")
    with pytest.raises(AuditUnavailable):
        await file.append(b"a\n")
    place.mkdir()
    await file.append(b"b\n")
    assert (place / "audit").read_bytes() == b"b\n"


async def test_after_half_a_line_the_next_begins_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "audit", os.write
    file, is_full = AuditFile(path), False

    def write_half(descriptor: int, data: bytes) -> int:
        """A disk that has room for half a line, and then for none."""
        nonlocal is_full
        if is_full:
            raise OSError(28, "No space left on device")
        is_full = True
        return write(descriptor, data[:3])

    monkeypatch.setattr(os, "write", write_half)
    with pytest.raises(AuditUnavailable):
        await file.append(b"first\n")
    monkeypatch.setattr(os, "write", write)
    await file.append(b"second\n")
    assert path.read_bytes() == b"fir\nsecond\n"


async def test_a_reader_that_stalls_is_not_waited_for_for_ever_and_not_by_all(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    file = AuditFile(path, wait_seconds=0.05)
    with pytest.raises(AuditUnavailable):
        await file.append(b"nobody has opened it\n")
    patient = AuditFile(path)
    # One of those that wait is being written, and the last is one too many.
    waiting = [asyncio.ensure_future(patient.append(b"%d\n" % number)) for number in range(MAX_WAITING + 2)]
    await asyncio.sleep(0)
    read = bytearray()

    def read_all() -> None:
        with path.open("rb") as pipe:
            while piece := pipe.read1():
                read.extend(piece)

    threading.Thread(target=read_all, daemon=True).start()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert results[:MAX_WAITING] == [None] * MAX_WAITING
    assert isinstance(results[-1], AuditUnavailable)
    assert wait_until(lambda: b"\n999\n" in read)


async def test_who_is_answered_has_the_line_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut loses what is in the memory of the system alone. Lines that wait together are synced together."""
    path, on_disk = tmp_path / "audit", {"file": b"", "names": ""}
    sync, syncs = os.fdatasync, []

    def note(descriptor: int) -> None:
        sync(descriptor)
        syncs.append(descriptor)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            on_disk["names"] = " ".join(os.listdir(descriptor))
        else:
            on_disk["file"] = path.read_bytes()

    monkeypatch.setattr(os, "fdatasync", note)
    file = AuditFile(path)
    await file.append(b"first\n")
    assert on_disk == {"file": b"first\n", "names": "audit"}
    syncs.clear()
    lines = [b"%d\n" % number for number in range(200)]
    await asyncio.gather(*(file.append(line) for line in lines))
    assert on_disk["file"] == b"first\n" + b"".join(lines)
    assert len(syncs) < len(lines)


async def test_a_line_that_does_not_reach_the_disk_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    file = AuditFile(tmp_path / "audit")
    await file.append(b"first\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(AuditUnavailable):
            await file.append(b"second\n")
    await file.append(b"third\n")


def test_a_place_that_cannot_be_written_to_is_found_at_the_start(tmp_path: Path) -> None:
    AuditFile(tmp_path / "audit").check()
    assert (tmp_path / "audit").exists()
    with pytest.raises(FileNotFoundError):
        AuditFile(tmp_path / "none" / "audit").check()
