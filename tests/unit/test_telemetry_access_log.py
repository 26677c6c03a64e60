"""A line that is written again and again is the same as one that is written once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.telemetry import AccessLine, ConsoleAccessLog, JsonAccessLog
from app.telemetry.access_log import FLUSH_BYTES, SOMETIMES
from app.telemetry.followed_file import FollowedFile
from app.telemetry.line_writer import LineWriter
from tests.support.waiting import PATIENCE

PLAIN = AccessLine(200, 4711, 0.0, "GET", "/a/%25b/", "folder-html", "192.0.2.1", None, 'a " 100 % b', "r1")
LINES = [PLAIN, PLAIN._replace(subject="kim", cache="fast", agent=None), PLAIN._replace(request_id="one")]
SECONDS = [
    (0.0, "0.000000"),
    (0.0000234, "0.000023"),
    (0.0000236, "0.000024"),
    (0.012345, "0.012345"),
    (0.9999994, "0.999999"),
    (0.9999996, "1.000000"),
    (1.5, "1.500000"),
    (3600.000001, "3600.000001"),
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("site", ["", "images"])
def test_as_json(line: AccessLine, site: str, tmp_path: Path) -> None:
    writer = LineWriter(FollowedFile(tmp_path / "log"))
    log = JsonAccessLog(writer, site)
    log.close()  # each line at once
    log.write(line._replace(seconds=0.25))
    again = log.repeated(line)
    again(0.25)
    for seconds, _ in SECONDS:
        again(seconds)
    writer.flush(PATIENCE)
    text = re.sub(r'"timestamp":"[-0-9T:]+\.[0-9]{6}Z",', "", (tmp_path / "log").read_text())
    once, *others = text.splitlines()
    assert '"seconds":0.250000,' in once
    assert others == [once, *(once.replace("0.250000", written) for _, written in SECONDS)]
    fields = {name: value for name, value in line._asdict().items() if value or name not in SOMETIMES}
    named = {"logger": "pierhead.access", "level": "info", "event": "request"} | (
        {"site": site} if site else {}
    )
    assert json.loads(once) == fields | named | {"seconds": 0.25}


@pytest.mark.parametrize("line", LINES)
def test_for_people(line: AccessLine) -> None:
    log = ConsoleAccessLog("images")
    with capture_logs() as captured:
        log.write(line._replace(seconds=0.25))
        log.repeated(line)(0.25)
    assert len(captured) == 2
    assert captured[0] == captured[1]
    assert captured[0]["seconds"] == 0.25


async def test_a_line_that_waits_has_the_time_of_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LineWriter(FollowedFile(tmp_path / "log"))
    log = JsonAccessLog(writer)
    again = log.repeated(PLAIN)
    for now in (1_700_000_000.25, 1_700_000_000.5, 1_700_000_001.0625):
        monkeypatch.setattr("app.telemetry.access_log.time.time", lambda now=now: now)
        again(0.25)
    monkeypatch.undo()
    log.close()
    writer.flush(PATIENCE)
    times = re.findall(r'"timestamp":"([-0-9T:.]+Z)"', (tmp_path / "log").read_text())
    assert times == [f"2023-11-14T22:13:{rest}Z" for rest in ("20.250000", "20.500000", "21.062500")]


async def test_not_more_lines_wait_than_are_written_together() -> None:
    written: list[bytes] = []
    writer: Any = SimpleNamespace(write=written.append)
    again = JsonAccessLog(writer).repeated(PLAIN)
    for _ in range(FLUSH_BYTES // 100):
        again(0.25)
    assert written
    assert FLUSH_BYTES / 2 < len(written[0]) < 2 * FLUSH_BYTES
