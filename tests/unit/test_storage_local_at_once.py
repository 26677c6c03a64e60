"""Small files that are read without waiting: which file, and what is left behind.

Whether the system has a file in memory is for the system to say, so an answer may be None at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from app.domain.entries import FileInfo
from app.storage.local.at_once import QuickTree
from app.storage.local.file import e_tag_of, stamp_of


@pytest.fixture(params=["itself", "behind a link"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    real = tmp_path / "real"
    (real / "d").mkdir(parents=True)
    (real / "d/f").write_bytes(b"content")
    if request.param == "itself":
        return real
    link = tmp_path / "link"
    link.symlink_to(real)
    return link


def info_of(file: Path) -> FileInfo:
    now = file.stat()
    return FileInfo(now.st_size, now.st_mtime, e_tag_of(now), None, stamp=stamp_of(now))


def open_below(directory: Path) -> list[Path]:
    """What this process has open in a directory."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the directory of descriptors itself
            found.append(descriptor.readlink())
    return [path for path in found if path.is_relative_to(directory)]


def test_what_is_read_is_the_very_file_or_nothing(root: Path) -> None:
    file = root / "d/f"
    known = info_of(file)
    tree = QuickTree(str(root))
    assert tree.file("d/f", known).read() in (b"content", None)
    for other in (known._replace(e_tag="other"), known._replace(stamp="other"), known._replace(size=8)):
        assert tree.file("d/f", other).read() is None
    (root / "d/link").symlink_to("f")
    for name in ("d/absent", "d/link", "d"):
        assert tree.file(name, known).read() is None


def replaced(file: Path) -> None:
    """By another one of the same size and time."""
    before = file.stat()
    (file.parent / "new").write_bytes(b"another")
    os.utime(file.parent / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (file.parent / "new").rename(file)


def grown(file: Path) -> None:
    file.write_bytes(b"content and more")


def removed(file: Path) -> None:
    file.unlink()


def made_a_link(file: Path) -> None:
    file.rename(file.parent / "elsewhere")
    file.symlink_to("elsewhere")


def put_behind_a_link(file: Path) -> None:
    file.parent.rename(file.parent.parent / "elsewhere")
    file.parent.symlink_to("elsewhere")


@pytest.mark.parametrize("change", [replaced, grown, removed, made_a_link, put_behind_a_link])
def test_a_file_that_was_read_is_not_taken_for_another_one(
    root: Path, change: Callable[[Path], None]
) -> None:
    file = QuickTree(str(root)).file("d/f", info_of(root / "d/f"))
    file.read()
    change(root / "d/f")
    assert file.read() is None


def test_no_descriptor_is_left_open(root: Path) -> None:
    tree = QuickTree(str(root))
    known = info_of(root / "d/f")
    for name in ("d/f", "d/absent", "d"):
        tree.file(name, known).read()
    assert open_below(root.resolve()) == []
