"""What was taken back, and what counts while nobody can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.auth.revocation import (
    MAX_FILE_BYTES,
    MAX_UNREAD_SECONDS,
    NOTHING_REVOKED,
    READ_SECONDS,
    Revocations,
    read_revoked,
    write_revoked,
)
from app.domain.errors import RevocationsUnknown

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
