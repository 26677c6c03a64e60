"""Who is asked for a folder, and that nobody waits for a worker that does not answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.cache import worker_exchange
from app.cache.worker_exchange import Wanted, WorkerExchange
from app.domain.errors import StoreUnavailable
from app.domain.paths import ArtifactPath

FOLDERS = [ArtifactPath.of("a", f"földer \udcff {number}", is_folder=True) for number in range(40)]


def wanted(path: ArtifactPath, *, may_read: bool = True) -> Wanted:
    return Wanted(path, 12.5, may_read)


class Workers:
    """Workers of one replica, by name. Each lends its name and what it was asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stack = AsyncExitStack()
        self.asked: list[tuple[str, Wanted]] = []

    async def add(self, name: str, tree: str = "s3://artifacts") -> WorkerExchange:
        async def lend(what: Wanted) -> bytes | None:
            self.asked.append((name, what))
            return name.encode()

        exchange = WorkerExchange(self.directory, tree)
        await self.stack.enter_async_context(exchange.answering(lend))
        return exchange


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path)
    async with workers.stack:
        yield workers


async def test_each_folder_has_one_home_that_all_workers_agree_on(workers: Workers) -> None:
    ends = {name: await workers.add(name) for name in ("one", "two", "three")}
    homes = set()
    for path in FOLDERS:
        said = {name: await end.ask(wanted(path)) for name, end in ends.items()}
        (home,) = {answer.decode() for answer in said.values() if answer is not None}
        assert said.pop(home) is None, "it asks itself"
        assert None not in said.values()
        homes.add(home)
    assert homes == set(ends), "the work is shared out"


async def test_what_is_asked_arrives_as_it_was_said(workers: Workers) -> None:
    ends = [await workers.add(name) for name in ("one", "two")]
    for path in FOLDERS:
        for may_read in (True, False):
            for end in ends:
                await end.ask(wanted(path, may_read=may_read))
    assert [what for _, what in workers.asked] == [
        wanted(path, may_read=may_read) for path in FOLDERS for may_read in (True, False)
    ]


async def test_a_worker_alone_asks_nobody(workers: Workers) -> None:
    alone = await workers.add("one")
    await workers.add("two", tree="s3://another")
    assert {await alone.ask(wanted(path)) for path in FOLDERS} == {None}
    assert workers.asked == []


async def test_one_that_is_gone_is_asked_no_more(workers: Workers, tmp_path: Path) -> None:
    end = await workers.add("one")
    (own,) = tmp_path.glob("*.home")
    gone = own.with_name(own.name.split("-")[0] + "-9-gone.home")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(gone))
    assert {await end.ask(wanted(path)) for path in FOLDERS} == {None}
    assert list(tmp_path.glob("*.home")) == [own]


async def test_one_that_hangs_holds_nobody_up_for_long(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_exchange, "ATTENTION_SECONDS", 0.01)
    end = await workers.add("one")
    (own,) = tmp_path.glob("*.home")
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(own.with_name(own.name.split("-")[0] + "-9-hangs.home")))
        hanging.listen()
        async with asyncio.timeout(30):
            assert {await end.ask(wanted(path)) for path in FOLDERS} == {None}


@pytest.mark.parametrize("error", [StoreUnavailable("timeout"), None])
async def test_what_cannot_be_lent_is_no_answer(tmp_path: Path, error: Exception | None) -> None:
    async def lend(_: Wanted) -> bytes | None:
        if error is not None:
            raise error
        return None

    one, two = (WorkerExchange(tmp_path, "tree") for _ in range(2))
    async with one.answering(lend), two.answering(lend):
        for path in FOLDERS:
            assert await one.ask(wanted(path)) is None
            assert await two.ask(wanted(path)) is None
