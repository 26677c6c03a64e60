"""The forms of archives, byte for byte as their readers have them."""

from __future__ import annotations

import io
import zipfile

import pytest

from app.responses.archive_forms import WRITERS, ZipWriter


def zip_of(*files: tuple[str, bytes, float]) -> bytes:
    writer = ZipWriter()
    parts = [
        writer.file(name, len(content), modified) + writer.content(content) + writer.file_end()
        for name, content, modified in files
    ]
    return b"".join([*parts, writer.end()])


@pytest.mark.parametrize("limit", [None, 10], ids=["32 bits", "64 bits"])
def test_sizes_beyond_32_bits_take_64(limit: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if limit is not None:
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    packed = zip_of(("a", b"A" * 100, 0), ("b", b"B", 0))
    assert (b"\x01\x00\x10\x00" in packed) is (
        limit is not None
    )  # the head of the zip64 field of a local header
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        assert [(one.filename, read.read(one)) for one in read.infolist()] == [("a", b"A" * 100), ("b", b"B")]


@pytest.mark.parametrize(
    ("modified", "date"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (1_700_000_000, (2023, 11, 14, 22, 13, 20)),
        (2**40, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_that_a_zip_cannot_say_are_the_nearest(modified: float, date: tuple[int, ...]) -> None:
    with zipfile.ZipFile(io.BytesIO(zip_of(("a", b"A", modified)))) as read:
        assert read.infolist()[0].date_time == date


def test_a_zip_has_room_for_so_many_files_as_are_kept_in_memory() -> None:
    writer = ZipWriter(most=2)
    packed = b""
    for name in ("a", "b"):
        assert writer.has_room
        packed += writer.folder(name, 0)
    assert not writer.has_room
    with zipfile.ZipFile(io.BytesIO(packed + writer.end())) as read:
        assert read.namelist() == ["a/", "b/"]


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("is_begun", [False, True])
def test_an_archive_that_is_given_up_leaves_nothing_open(form: str, is_begun: bool) -> None:
    """An object that is collected with an error fails the tests as a warning."""
    writer = WRITERS[form]()
    writer.folder("d", 0)
    if is_begun:
        writer.file("d/a", 10, 0)
        writer.content(b"A")
    writer.close()
