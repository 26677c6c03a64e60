"""An open file that changes while it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import ObjectChanged
from app.storage.local.file import LocalFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ci.log"
    path.write_bytes(b"begun\n")
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[LocalFile]:
    opened = LocalFile(os.open(path, os.O_RDONLY))
    yield opened
    opened.close()


def test_a_line_that_is_being_appended_is_no_change(
    path: Path, opened: LocalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system sets the time before the size. Whoever looks in between sees a new time and the old size."""
    info = opened.info()
    opened.read(info, 0, 3)
    os.utime(path, (2e9, 2e9))
    looks = 0
    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        nonlocal looks
        looks += 1
        if looks == 2:
            path.write_bytes(b"begun\nended\n")
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    assert opened.read(info, 3, 3) == b"un\n"
    assert looks == 2


def test_a_new_time_without_a_new_size_is_a_change(path: Path, opened: LocalFile) -> None:
    info = opened.info()
    opened.read(info, 0, 3)
    os.utime(path, (2e9, 2e9))
    with pytest.raises(ObjectChanged):
        opened.read(info, 3, 3)
