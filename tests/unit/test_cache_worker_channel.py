"""What one worker is told, all of them know."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.cache import worker_channel
from app.cache.worker_channel import WorkerChannel
from app.domain.paths import ROOT, ArtifactPath

PATHS = [ROOT, ArtifactPath.of("a", "ü \udcff.img"), ArtifactPath.of("b", is_folder=True)]


class Worker:
    """A worker of another process number than this one's."""

    def __init__(self, directory: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[ArtifactPath] = []
        monkeypatch.setattr(os, "getpid", lambda: number)
        self.end = WorkerChannel(directory, self.heard.append)
        self.end.open()

    async def has_heard(self, count: int) -> list[ArtifactPath]:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                await asyncio.sleep(0.005)
        return self.heard


@pytest.fixture
async def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Worker]]:
    workers = [Worker(tmp_path, number, monkeypatch) for number in (1, 2, 3)]
    yield workers
    for worker in workers:
        worker.end.close()


async def test_all_the_others_hear_every_path(workers: list[Worker]) -> None:
    await workers[0].end.tell(PATHS)
    assert await workers[1].has_heard(3) == PATHS
    assert await workers[2].has_heard(3) == PATHS
    assert workers[0].heard == []


async def test_a_great_many_paths_arrive_too(workers: list[Worker]) -> None:
    many = [ArtifactPath.of(f"folder-{n}", "x" * 200) for n in range(2000)]
    await workers[1].end.tell(many)
    assert await workers[0].has_heard(2000) == many


async def test_one_that_is_gone_holds_nobody_up(workers: list[Worker], tmp_path: Path) -> None:
    dead = tmp_path / "9.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
        gone.bind(str(dead))
    await workers[0].end.tell(PATHS)
    assert await workers[2].has_heard(3) == PATHS
    assert not dead.exists()


async def test_one_that_reads_nothing_holds_nobody_up(
    workers: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_channel, "SEND_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.bind(str(tmp_path / "0.sock"))
        fill(tmp_path / "0.sock")
        # The socket is closed on the way out, which frees a sender that still waits for it.
        async with asyncio.timeout(20):
            await workers[0].end.tell(PATHS)
            assert await workers[2].has_heard(3) == PATHS


def fill(name: Path) -> None:
    """Send to a socket until it takes no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(BlockingIOError):
        sender.setblocking(False)
        while True:
            sender.sendto(b"a", str(name))


async def test_nonsense_is_passed_over(workers: list[Worker], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        (first,) = tmp_path.glob("1-*.sock")
        stranger.sendto(b"../../etc\0ok", str(first))
    assert await workers[0].has_heard(1) == [ArtifactPath.of("ok")]


async def test_one_that_has_left_leaves_nothing_behind(
    workers: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even on the event loop, where the next socket may have its number."""
    workers.pop(0).end.close()
    assert len(list(tmp_path.iterdir())) == len(workers)
    workers.insert(0, Worker(tmp_path, 4, monkeypatch))
    await workers[1].end.tell(PATHS)
    assert await workers[0].has_heard(3) == PATHS


async def test_one_that_leaves_may_have_been_taken_for_gone(workers: list[Worker], tmp_path: Path) -> None:
    for name in tmp_path.iterdir():
        name.unlink()
    workers.pop().end.close()
