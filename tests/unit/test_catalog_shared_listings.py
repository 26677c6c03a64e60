"""Two workers of one replica over one bucket: how many listings they cost, and that neither shows or opens more for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from app.cache import worker_exchange
from app.cache.byte_cache import ByteCache
from app.cache.worker_exchange import WorkerExchange
from app.catalog import Catalog
from app.catalog.shared_listings import lend
from app.domain.access import ANONYMOUS
from app.domain.errors import AccessDenied, NotFound, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.wiring import build_catalog
from tests.support.clocks import Clock
from tests.support.live_server import policy_from, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.policy import build_info

FOLDERS = [ArtifactPath.of(f"d{number}", is_folder=True) for number in range(20)]
LIVES = {"cache_ttl": 60, "cache_grace": 0, "cache_max_stale": 3600}
CLOSED = build_info("", "Files-Pattern: *", "Build-Name: x", "Auth-Groups: staff")


class Replica(NamedTuple):
    """Its store, its clock, and what its workers have of the tree."""

    store: MemoryStore
    clock: Clock
    workers: tuple[Catalog, ...]

    async def seen(self, path: ArtifactPath) -> list[list[str] | str]:
        """What each worker shows a stranger."""
        return [await shown(worker, path) for worker in self.workers]

    def calls(self, operation: str) -> int:
        return sum(call.operation == operation for call in self.store.calls)


async def shown(worker: Catalog, path: ArtifactPath) -> list[str] | str:
    try:
        return [visible.entry.name for visible in await worker.list_folder(path, ANONYMOUS)]
    except (AccessDenied, NotFound) as error:
        return type(error).__name__


async def replica_of(stack: AsyncExitStack, directory: Path, *, shares: bool = True) -> Replica:
    """Two workers, and twenty folders of one file."""
    store, clock, workers = MemoryStore(), Clock(), []
    for path in FOLDERS:
        store.put(f"{path.name}/one")
    for _ in range(2):
        exchange = WorkerExchange(directory, "tree") if shares else None
        settings, held = settings_for(**LIVES), ByteCache(1 << 20)
        catalog = build_catalog(settings, policy_from(""), store, held, clock, exchange=exchange)
        stack.push_async_callback(catalog.aclose)
        if exchange is not None:
            await stack.enter_async_context(exchange.answering(partial(lend, catalog.folders)))
        workers.append(catalog)
    return Replica(store, clock, tuple(workers))


@pytest.fixture
async def replica(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Replica]:
    monkeypatch.setattr(worker_exchange, "ATTENTION_SECONDS", 60.0)  # on a busy machine
    async with AsyncExitStack() as stack:
        yield await replica_of(stack, tmp_path)


async def in_turn(replica: Replica, rounds: int) -> int:
    """Listings for so many lifetimes of folders that both workers are asked for all the time."""
    await asyncio.gather(*map(replica.seen, FOLDERS))
    before = replica.calls("list")
    for _ in range(rounds):
        replica.clock.now += 60
        assert await asyncio.gather(*map(replica.seen, FOLDERS)) == [[["one"]] * 2] * len(FOLDERS)
    return replica.calls("list") - before


async def test_a_hot_folder_costs_one_listing_for_each_lifetime_however_many_workers(
    replica: Replica, tmp_path: Path
) -> None:
    assert await in_turn(replica, 5) == 5 * len(FOLDERS)
    async with AsyncExitStack() as stack:
        alone = await replica_of(stack, tmp_path, shares=False)
        assert await in_turn(alone, 5) == 2 * 5 * len(FOLDERS)


async def test_what_one_has_read_the_other_shows_at_the_same_age(replica: Replica) -> None:
    for path in FOLDERS:
        one, two = replica.workers
        await one.folders.get(path)
        replica.clock.now += 5
        (first, second) = [(await worker.folders.get(path)).age for worker in (one, two)]
        assert (first, second) in ((5, 5), (5, 0)), "0 where the other one is the home of the folder"


async def test_a_change_is_seen_by_both_when_the_lifetime_is_over(replica: Replica) -> None:
    for path in FOLDERS:
        assert await replica.seen(path) == [["one"], ["one"]]
        replica.store.put(f"{path.name}/two")
    replica.clock.now += 60
    for path in FOLDERS:
        assert await replica.seen(path) == [["one", "two"]] * 2
        replica.store.remove(f"{path.name}/one")
        replica.store.remove(f"{path.name}/two")
    replica.clock.now += 60
    for path in FOLDERS:
        assert await replica.seen(path) == ["NotFound"] * 2


async def test_who_has_heard_of_a_change_is_not_lent_what_is_older(replica: Replica) -> None:
    for path in FOLDERS:
        await replica.seen(path)
        replica.clock.now += 1
        replica.store.put(f"{path.name}/two")
        for worker in replica.workers:  # the other one has not heard of it yet
            worker.invalidate(path)
            assert await shown(worker, path) == ["one", "two"]


async def test_who_has_heard_of_a_change_in_what_it_never_read_is_not_lent_what_is_older(
    replica: Replica,
) -> None:
    one, two = replica.workers
    for path in FOLDERS:
        await shown(one, path)
        replica.clock.now += 1
        replica.store.put(f"{path.name}/two")
        two.invalidate(path)
        assert await shown(two, path) == ["one", "two"]


async def test_rules_that_come_with_a_change_close_the_folder_on_both(replica: Replica) -> None:
    for path in FOLDERS:
        await replica.seen(path)
        replica.store.put(f"{path.name}/BUILD-INFO.txt", CLOSED)
    replica.clock.now += 60
    for path in FOLDERS:
        assert await replica.seen(path) == ["LoginRequired"] * 2
    gets = replica.calls("get")
    replica.clock.now += 60
    for path in FOLDERS:
        assert await replica.seen(path) == ["LoginRequired"] * 2
    assert replica.calls("get") == gets + len(FOLDERS), "rules made from the same file stay with the borrower"


async def test_while_the_store_fails_both_show_what_they_have(replica: Replica) -> None:
    for path in FOLDERS:
        await replica.seen(path)
    replica.store.fail_on("list", StoreUnavailable("timeout"))
    replica.clock.now += 60
    for path in FOLDERS:
        assert await replica.seen(path) == [["one"], ["one"]]


async def test_what_must_be_read_since_a_moment_is_not_borrowed(replica: Replica) -> None:
    one, two = replica.workers
    for path in FOLDERS:
        await shown(one, path)
        replica.store.put(f"{path.name}/two")
        found = await two.folders.get(path, since=two.folders.loads_begun)
        assert len(found.value.entries) == 2
