"""Small files that are read without waiting: which file, and what is left behind.

Whether the system has a file in memory is for the system to say, so an answer may be None at any time.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from app.domain.entries import FileInfo
from app.storage.local.at_once import QuickReader
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
    reader = QuickReader(str(root))
    assert reader.read("d/f", known) in (b"content", None)
    for other in (known._replace(e_tag="other"), known._replace(stamp="other"), known._replace(size=8)):
        assert reader.read("d/f", other) is None
    (root / "d/link").symlink_to("f")
    for name in ("d/absent", "d/link", "d"):
        assert reader.read(name, known) is None


def test_no_descriptor_is_left_open(root: Path) -> None:
    reader = QuickReader(str(root))
    known = info_of(root / "d/f")
    for name in ("d/f", "d/absent", "d"):
        reader.read(name, known)
    assert open_below(root.resolve()) == []
