"""Workers that tell each other what state they are in."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.telemetry import WorkerStates


def own() -> dict[str, Any]:
    return {"pid": os.getpid(), "is_own": True}


def test_one_alone_has_its_own() -> None:
    assert WorkerStates(None, own).all() == [own()]


def test_those_that_run_are_listed_and_those_that_are_gone_forgotten(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (os.getppid(), ended.pid):
        (tmp_path / f"{pid}.json").write_text(json.dumps({"pid": pid}))
    (tmp_path / "half.json").write_text('{"pid":')
    assert WorkerStates(tmp_path, own).all() == sorted(
        [own(), {"pid": os.getppid()}], key=lambda state: int(state["pid"])
    )
    assert not (tmp_path / f"{ended.pid}.json").exists()


def test_each_is_there_for_the_others_as_long_as_it_runs(tmp_path: Path) -> None:
    path = tmp_path / f"{os.getpid()}.json"

    async def publish() -> None:
        async with WorkerStates(tmp_path, own).published():
            while not path.exists():
                await asyncio.sleep(0)
            assert json.loads(path.read_text()) == own()

    asyncio.run(publish())
    assert not path.exists()
