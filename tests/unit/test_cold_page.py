"""What the first page of a folder of a directory costs: counted, not timed."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CoroutineType

import pytest
from jinja2 import FileSystemLoader
from starlette.types import ASGIApp

from app.domain import order
from app.storage.local.store import LocalStore
from tests.support.counted_calls import calls_counted
from tests.support.in_process import Ask, Asker, send
from tests.support.live_server import app_over

FEW, MANY = 100, 200
TRIES = 5
"""Folders of each size. What a busy machine makes a page do more, such as to give others a turn, is not in all of them."""
CALLS_OF_AN_ENTRY = 3.2
"""Of functions of Python, to list, judge, sort, pack and render one. Each takes a fifth of a microsecond at least."""
CALLS_OF_A_PAGE = 1_640
"""Beside those of its entries."""
ASKER = Asker("anonymous")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[ASGIApp]:
    sizes = {"first": 1, "few": FEW, "many": MANY}
    sizes |= {f"{name}-{number}": sizes[name] for number in range(TRIES) for name in ("few", "many")}
    for folder, files in sizes.items():
        (tmp_path / folder).mkdir()
        for number in range(files):
            (tmp_path / folder / f"build-{number:06}.tar.gz").touch()
            os.utime(tmp_path / folder / f"build-{number:06}.tar.gz", (1e9, 1e9))
    store = LocalStore(tmp_path, observe=lambda *_: None)
    app = app_over(store, cache_ttl=60)
    assert (await send(app, Ask("/first/"), ASKER)).status == 200  # what every first page of a server loads
    yield app
    await store.aclose()


async def least_calls_of(app: ASGIApp, name: str) -> Counter[str]:
    return min([await calls_of(app, f"/{name}-{number}/") for number in range(TRIES)], key=Counter.total)


async def calls_of(app: ASGIApp, path: str) -> Counter[str]:
    order._weighed.cache_clear()  # whatever other tests have left in it
    with calls_counted() as counted:
        answer = await send(app, Ask(path), ASKER)
    assert (answer.status, answer.body.count(b"<tr><td")) == (200, FEW if "few" in path else MANY)
    return counted


async def test_each_entry_of_a_cold_page_costs_few_calls(app: ASGIApp) -> None:
    few, many = await least_calls_of(app, "few"), await least_calls_of(app, "many")
    more = {name: calls / (MANY - FEW) for name, calls in (many - few).most_common()}
    assert few["kind_of"] == FEW, "the calls are seen"
    assert sum(more.values()) <= CALLS_OF_AN_ENTRY, dict(more)
    of_the_page = sum(few.values()) - FEW * sum(more.values())
    assert of_the_page <= CALLS_OF_A_PAGE, few.most_common(40)


async def test_a_cold_page_asks_the_system_once_about_each_entry_in_one_thread(
    app: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    looks: Counter[object] = Counter()
    submit, stat = ThreadPoolExecutor.submit, os.stat

    def noting_submit(pool: ThreadPoolExecutor, *args: object, **options: object) -> object:
        threads.append(id(pool))
        return submit(pool, *args, **options)  # type: ignore[arg-type]

    def noting_stat(path: str, **options: object) -> os.stat_result:
        looks[path] += 1
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", noting_submit)
    monkeypatch.setattr(os, "stat", noting_stat)
    assert (await send(app, Ask("/few/"), ASKER)).status == 200
    assert len(threads) == 1
    assert {looks[f"build-{number:06}.tar.gz"] for number in range(FEW)} == {1}


async def test_a_cold_page_is_made_in_one_task_beside_the_one_that_reads(
    app: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, tasks = asyncio.get_running_loop(), Counter[str]()
    create = loop.create_task

    def noting_create(coroutine: CoroutineType[object, object, object], **options: object) -> object:
        tasks[coroutine.__qualname__] += 1
        return create(coroutine, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "create_task", noting_create)
    assert (await send(app, Ask("/few/"), ASKER)).status == 200
    assert tasks == {"_run": 1}


async def test_no_template_is_looked_for_again(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []
    monkeypatch.setattr(FileSystemLoader, "get_source", lambda _, __, name: looked_for.append(name))
    assert (await send(app, Ask("/few/"), ASKER)).status == 200
    assert looked_for == []
