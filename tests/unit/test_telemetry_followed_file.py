"""The log of requests in a file of its own, rotated while it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.telemetry import AccessLine, FollowedFile, JsonAccessLog, LineWriter
from tests.support.waiting import wait_until

LINE = AccessLine(200, 5, 0.1, "GET", "/a/", "folder-html", None, None, None, "eu-1")
SECONDS = 60


def lines(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.exists() else 0


async def test_after_it_was_renamed_lines_go_to_a_new_file(tmp_path: Path) -> None:
    path, former = tmp_path / "access.log", tmp_path / "access.log.1"
    log = JsonAccessLog(LineWriter(FollowedFile(path)))
    log.close()  # from now on, each line is handed over at once
    log.write(LINE)
    assert wait_until(lambda: lines(path) == 1, SECONDS)
    path.rename(former)
    log.write(LINE)
    assert wait_until(lambda: lines(path) == 1, SECONDS)
    path.unlink()
    log.write(LINE)
    assert wait_until(lambda: lines(path) == 1, SECONDS)
    assert lines(former) == 1
    assert json.loads(path.read_bytes())["path"] == "/a/"


def test_lines_that_cannot_be_written_are_counted_and_the_next_ones_are_tried(tmp_path: Path) -> None:
    dropped: list[int] = []
    path = tmp_path / "later" / "access.log"
    writer = LineWriter(FollowedFile(path))
    writer.note_dropped = dropped.append
    writer.write(b"one\ntwo\n")
    assert wait_until(lambda: dropped == [2], SECONDS)
    path.parent.mkdir()
    writer.write(b"three\n")
    assert wait_until(lambda: lines(path) == 1, SECONDS)


def test_a_file_that_cannot_be_written_is_found_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        FollowedFile(tmp_path / "no" / "access.log").check()
    with pytest.raises(OSError, match="No space left"):
        FollowedFile(Path("/dev/full")).check()
