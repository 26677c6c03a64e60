"""Only the exact spelling of a name counts, also where the file system takes others for the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.errors import NotFound
from app.storage.local import spelling
from app.storage.local.spelling import check_spelling


class FileSystem:
    """Stands in for `os`: finds a file by other names than its own, if it is told to.

    Attributes:
        scans: how often a whole folder was read.
        is_name: whether a name is taken for `Name`.
    """

    path = os.path

    def __init__(self) -> None:
        self.scans = 0
        self.is_name: Callable[[str], bool] = lambda name: name == "Name"

    def stat(self, name: str, *, dir_fd: int, follow_symlinks: bool) -> os.stat_result:
        assert not follow_symlinks
        return os.stat("Name" if self.is_name(name) else name, dir_fd=dir_fd, follow_symlinks=False)

    def scandir(self, folder: int) -> os._ScandirIterator[str]:
        self.scans += 1
        return os.scandir(folder)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    monkeypatch.setattr(spelling, "os", files := FileSystem())
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    for name in ("Name", "ü", "8"):
        (tmp_path / name).touch()
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_a_file_system_that_tells_names_apart_is_not_read_through(folder: int, files: FileSystem) -> None:
    check_spelling("Name", folder)
    check_spelling("8", folder)
    assert files.scans == 0
    check_spelling("ü", folder)
    assert files.scans == 1


def test_an_absent_name(folder: int) -> None:
    with pytest.raises(FileNotFoundError):
        check_spelling("absent", folder)
    with pytest.raises(NotFound):
        check_spelling("u\u0308", folder)


@pytest.mark.parametrize("other", ["nAME", "Name.", "name"])
def test_a_file_system_that_takes_others_for_the_same_is_read(
    folder: int, files: FileSystem, other: str
) -> None:
    files.is_name = lambda name: name in ("Name", other, other.swapcase())
    with pytest.raises(NotFound):
        check_spelling(other, folder)
    assert files.scans == 1
    check_spelling("8", folder)
    assert files.scans == 1


@pytest.mark.parametrize("other", ["nAME", "Name."])
def test_a_hard_link_of_another_spelling_is_a_name_of_its_own(
    folder: int, files: FileSystem, other: str
) -> None:
    os.link("Name", other, src_dir_fd=folder, dst_dir_fd=folder)
    check_spelling("Name", folder)
    assert files.scans == 1
    check_spelling(other, folder)
