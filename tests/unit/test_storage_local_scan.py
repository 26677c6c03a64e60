"""A folder looked at all together: the same as entry by entry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.entries import Entry, File, Folder
from app.domain.paths import ROOT
from app.storage.local.file import e_tag_of, stamp_of
from app.storage.local.scan import FolderScan, Unusable, Way

KINDS = ("file", "executable", "folder", "link", "pipe")
MANY = 600
"""More than are looked at together."""

Make = Callable[[Path], None]
MAKES: dict[str, Make] = {
    "file": lambda path: path.touch(),
    "executable": lambda path: path.touch(0o755),
    "folder": lambda path: path.mkdir(),
    "link": lambda path: path.symlink_to("nowhere"),
    "pipe": lambda path: os.mkfifo(path),
}


def no_way(_: str) -> Way:
    raise Unusable("a link")


@contextmanager
def scanned(root: Path) -> Iterator[FolderScan]:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        yield FolderScan(descriptor, no_way)
    finally:
        os.close(descriptor)


def one_by_one(root: Path) -> dict[str, Entry | str]:
    found: dict[str, Entry | str] = {}
    for path in root.iterdir():
        status = path.lstat()
        if path.is_symlink():
            found[path.name] = "a link"
        elif path.is_file():
            size, modified = status.st_size, status.st_mtime
            found[path.name] = File(path.name, size, modified, e_tag_of(status), stamp_of(status))
        else:
            found[path.name] = Folder(path.name, status.st_mtime) if path.is_dir() else "special file"
    return found


def all_of(scan: FolderScan) -> dict[str, Entry | str]:
    entries: dict[str, Entry | str] = {entry.name: entry for entry in scan.listing(ROOT).entries}
    return entries | scan.skipped


@given(st.lists(st.sampled_from(KINDS), max_size=12))
def test_what_is_looked_at_together_is_the_same_as_one_by_one(kinds: list[str]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        for number, kind in enumerate(kinds):
            MAKES[kind](root / f"{number}")
        with scanned(root) as scan:
            assert all_of(scan) == one_by_one(root)


def test_a_large_folder_is_seen_whole(tmp_path: Path) -> None:
    for number in range(MANY):
        MAKES["folder" if number % 50 == 7 else "file"](tmp_path / f"{number}")
    with scanned(tmp_path) as scan:
        assert all_of(scan) == one_by_one(tmp_path)


def test_one_that_is_removed_meanwhile_is_left_out_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, errors = os.stat, {"gone": FileNotFoundError(), "broken": OSError()}

    def failing_look(name: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        if name in errors:
            raise errors[name]
        return look(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    for name in ("a", "broken", "gone", "z"):
        (tmp_path / name).touch()
    monkeypatch.setattr(os, "stat", failing_look)
    with scanned(tmp_path) as scan:
        assert {entry.name for entry in scan.listing(ROOT).entries} == {"a", "z"}
        assert scan.skipped == {"broken": "unreadable"}


def test_where_the_first_of_a_kind_may_not_be_read_each_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closes_even(name: str, mode: int, *, dir_fd: int, effective_ids: bool) -> bool:
        del mode, dir_fd, effective_ids
        return int(name) % 2 == 1

    for number in range(9):
        (tmp_path / f"{number}").touch()
    monkeypatch.setattr(os, "listdir", lambda _: [f"{number}" for number in range(9)])
    monkeypatch.setattr(os, "access", closes_even)
    with scanned(tmp_path) as scan:
        assert {entry.name for entry in scan.listing(ROOT).entries} == {"1", "3", "5", "7"}
        assert scan.skipped == dict.fromkeys("02468", "unreadable")


def test_the_system_is_asked_once_about_files_of_one_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    may_access = os.access

    def noting_access(name: str, mode: int, *, dir_fd: int, effective_ids: bool) -> bool:
        asked.append(name)
        return may_access(name, mode, dir_fd=dir_fd, effective_ids=effective_ids)

    for number in range(MANY):
        (tmp_path / f"{number}").touch(0o644 if number % 2 else 0o755)
    monkeypatch.setattr(os, "access", noting_access)
    with scanned(tmp_path):
        assert len(asked) == 2
