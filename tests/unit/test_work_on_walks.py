"""What a walk through a directory costs: counted, not timed."""

from __future__ import annotations

from pathlib import Path

from app.storage.local.store import LocalStore
from tests.support.counted_calls import calls_counted
from tests.support.in_process import Ask, Asker, send
from tests.support.live_server import app_over

FEW, MANY = 20, 60
TRIES = 5
"""What a busy machine makes a walk do more, such as to give others a turn, is not in all of them."""
CALLS_OF_A_FILE = 1
"""Of functions of Python. Each takes a fifth of a microsecond at least, and the system's own look at the file only three."""
CALLS_OF_A_FOLDER = 300
ASKER = Asker("anonymous")


async def calls_of_a_walk(root: Path, folders: int, files: int) -> int:
    for folder in range(folders):
        (root / f"folder-{folder:03}").mkdir(parents=True)
        for file in range(files):
            (root / f"folder-{folder:03}" / f"build-{file:06}.tar.gz").touch()
    await lines_of_a_walk(root)  # what every first walk of a server loads
    calls: list[int] = []
    for _ in range(TRIES):
        with calls_counted() as counted:
            assert await lines_of_a_walk(root) == folders * (files + 1)
        calls.append(counted.total())
    return min(calls)


async def lines_of_a_walk(root: Path) -> int:
    """By a store of its own, whose threads begin here: calls in threads that are there already are not counted."""
    store = LocalStore(root, observe=lambda *_: None)
    answer = await send(app_over(store, cache_ttl=60), Ask("/", "recursive=true"), ASKER)
    await store.aclose()
    return answer.body.count(b"\n")


async def test_a_walk_costs_no_call_for_each_file(tmp_path: Path) -> None:
    few = await calls_of_a_walk(tmp_path / "few", FEW, FEW)
    many = await calls_of_a_walk(tmp_path / "many", FEW, MANY)
    assert many - few <= CALLS_OF_A_FILE * FEW * (MANY - FEW)


async def test_a_walk_costs_some_calls_for_each_folder(tmp_path: Path) -> None:
    few = await calls_of_a_walk(tmp_path / "few", FEW, 1)
    many = await calls_of_a_walk(tmp_path / "many", MANY, 1)
    assert many - few <= CALLS_OF_A_FOLDER * (MANY - FEW)
