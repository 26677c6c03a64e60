"""Folders, kept and refreshed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.cache.listing_cache import MISSING_SECONDS, RETRY_SECONDS, Borrow, ListingCache
from app.domain.errors import NotFound, StoreUnavailable
from app.domain.paths import ArtifactPath

FOLDER = ArtifactPath.of("releases", is_folder=True)
LIVES = Lifetimes(ttl=60, grace=120, max_stale=3600, jitter=0)


class World:
    """A store, a clock, and the cache between them."""

    def __init__(self, lifetimes: Lifetimes = LIVES, borrow: Borrow[str] | None = None) -> None:
        self.now = 1000.0
        self.content: str | None = "one"
        self.error: Exception | None = None
        self.loads = 0
        self.held = ByteCache(100_000)
        self.gate = asyncio.Event()
        self.gate.set()
        self.cache: ListingCache[str] = ListingCache(
            self._load,
            held=self.held,
            cost=len,
            is_same=lambda old, new: old == new,
            lifetimes=lifetimes,
            replica="r",
            clock=lambda: self.now,
            borrow=borrow,
        )

    async def _load(self, path: ArtifactPath) -> str:
        assert path == FOLDER
        self.loads += 1
        content, error = self.content, self.error
        await self.gate.wait()
        if error is not None:
            raise error
        if content is None:
            raise NotFound
        return content

    async def settled(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.cache.aclose()


@pytest.fixture
async def without_ttl() -> AsyncIterator[World]:
    world = World(Lifetimes(ttl=0, grace=120, max_stale=3600))
    yield world
    await world.cache.aclose()


async def test_fresh_is_served_without_a_load(world: World) -> None:
    await world.cache.get(FOLDER)
    world.content = "two"
    world.now += 59
    assert await world.cache.get(FOLDER) == ("one", 59, False, "fresh", 1)
    assert world.loads == 1


async def test_stale_is_served_at_once_and_refreshed_once_behind(world: World) -> None:
    await world.cache.get(FOLDER)
    world.content = "two"
    world.now += 61
    world.gate.clear()
    answers = [await world.cache.get(FOLDER) for _ in range(5)]
    assert {answer.value for answer in answers} == {"one"}
    assert all(answer.is_stale for answer in answers)
    await world.settled()
    world.gate.set()
    await world.settled()
    assert world.loads == 2
    assert await world.cache.get(FOLDER) == ("two", 0, False, "fresh", 60)


async def test_past_the_grace_a_request_waits_for_the_new_one(world: World) -> None:
    await world.cache.get(FOLDER)
    world.content = "two"
    world.now += 181
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_a_failing_store_is_covered_until_max_stale(world: World) -> None:
    await world.cache.get(FOLDER)
    world.error = StoreUnavailable("timeout")
    for age, same_for in ((61, 119), (181, 0), (3599, 0)):
        world.now = 1000 + age
        answer = await world.cache.get(FOLDER)
        assert tuple(answer) == ("one", age, True, "stale", same_for)
        await world.settled()
    world.now = 1000 + 3600
    with pytest.raises(StoreUnavailable):
        await world.cache.get(FOLDER)


@pytest.mark.parametrize(
    ("failed", "age", "same_for"),
    [
        (None, 61, 119),  # until its grace is over
        (None, 179.5, 0.5),
        (61, 62.5, RETRY_SECONDS - 1.5),  # until the store is tried again
        (61, 61 + RETRY_SECONDS, 117),
        (181, 181.5, RETRY_SECONDS - 0.5),
        (181, 290, 11),  # until a request waits for the store again
        (3500, 3599, 1),  # until it is too old
    ],
)
async def test_what_is_stale_says_how_long_it_is_given_in_the_same_way(
    world: World, failed: float | None, age: float, same_for: float
) -> None:
    await world.cache.get(FOLDER)
    world.error = StoreUnavailable("timeout")
    if failed is not None:
        world.now = 1000 + failed
        await world.cache.get(FOLDER)
        await world.settled()
    world.gate.clear()  # nothing more comes of the store
    world.now = 1000 + age
    ready = world.cache.ready(FOLDER)
    assert ready is not None
    assert (ready.is_stale, ready.same_for) == (True, same_for)
    world.now += same_for - 0.01
    assert world.cache.ready(FOLDER) is not None


@pytest.mark.parametrize("age", [61, 181])
async def test_while_the_store_fails_it_is_tried_now_and_then_only(world: World, age: float) -> None:
    await world.cache.get(FOLDER)
    world.error = StoreUnavailable("timeout")
    world.now += age
    for _ in range(20):
        await world.cache.get(FOLDER)
        await world.settled()
    assert world.loads == 2
    world.now += RETRY_SECONDS
    await world.cache.get(FOLDER)
    await world.settled()
    assert world.loads == 3


async def test_while_the_store_hangs_nobody_waits_for_what_is_known(world: World) -> None:
    await world.cache.get(FOLDER)
    world.error = StoreUnavailable("timeout")
    world.now += 170
    await world.cache.get(FOLDER)
    await world.settled()
    world.gate.clear()
    for _ in range(10):
        world.now += 100
        answer = world.cache.ready(FOLDER)
        assert answer is not None
        assert answer.is_stale
        await world.settled()
        world.gate.set()
        await world.settled()
        world.gate.clear()
    assert world.loads == 12


async def test_long_after_a_failure_a_request_waits_again(world: World) -> None:
    await world.cache.get(FOLDER)
    world.error = StoreUnavailable("timeout")
    world.now += 170
    await world.cache.get(FOLDER)
    await world.settled()
    world.error, world.content = None, "two"
    world.now += 121
    assert await world.cache.get(FOLDER) == ("two", 0, False, "miss", 0)


async def test_a_cold_failure_is_told_and_not_kept(world: World) -> None:
    world.error = StoreUnavailable("timeout")
    with pytest.raises(StoreUnavailable):
        await world.cache.get(FOLDER)
    world.error = None
    assert (await world.cache.get(FOLDER)).value == "one"


async def test_a_missing_folder_is_remembered_for_a_moment_only(world: World) -> None:
    world.content = None
    for _ in range(10):
        with pytest.raises(NotFound):
            await world.cache.get(FOLDER)
    assert world.loads == 1
    world.content = "new"
    world.now += MISSING_SECONDS
    assert (await world.cache.get(FOLDER)).value == "new"


async def test_a_folder_that_is_gone_is_not_served_again(world: World) -> None:
    await world.cache.get(FOLDER)
    world.content = None
    world.now += 61
    assert (await world.cache.get(FOLDER)).value == "one"
    await world.settled()
    with pytest.raises(NotFound):
        await world.cache.get(FOLDER)


async def test_an_invalidated_folder_is_read_again(world: World) -> None:
    await world.cache.get(FOLDER)
    world.content = "two"
    world.cache.invalidate(FOLDER)
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_a_load_from_before_an_invalidation_is_not_kept(world: World) -> None:
    world.gate.clear()
    early = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    world.content = "two"
    world.cache.invalidate(FOLDER)
    world.gate.set()
    assert (await early).value == "one"
    assert world.cache.held(FOLDER) is None
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_who_asks_after_an_invalidation_does_not_join_a_load_from_before(world: World) -> None:
    world.gate.clear()
    early = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    world.content = "two"
    world.cache.invalidate(FOLDER)
    late = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    world.gate.set()
    assert ((await early).value, (await late).value) == ("one", "two")
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_a_folder_missing_in_a_load_from_before_an_invalidation_is_asked_for_again(
    world: World,
) -> None:
    world.content = None
    world.gate.clear()
    early = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    world.content = "new"
    world.cache.invalidate(FOLDER)
    world.gate.set()
    with pytest.raises(NotFound):
        await early
    assert (await world.cache.get(FOLDER)).value == "new"


async def test_what_was_invalidated_stands_in_for_what_cannot_be_read(world: World) -> None:
    await world.cache.get(FOLDER)
    world.cache.invalidate(FOLDER)
    world.error = StoreUnavailable("timeout")
    assert await world.cache.get(FOLDER) == ("one", 0, True, "stale", 0)
    world.now += 3600
    with pytest.raises(StoreUnavailable):
        await world.cache.get(FOLDER)


async def test_an_invalidation_is_heard_though_the_store_failed_a_moment_ago(world: World) -> None:
    await world.cache.get(FOLDER)
    world.now += 61
    world.error = StoreUnavailable("timeout")
    await world.cache.get(FOLDER)
    await world.settled()
    world.error, world.content = None, "two"
    assert (await world.cache.get(FOLDER)).value == "one"
    world.cache.invalidate(FOLDER)
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_a_load_that_fails_after_an_invalidation_speaks_for_itself_alone(world: World) -> None:
    await world.cache.get(FOLDER)
    world.now += 61
    world.error = StoreUnavailable("timeout")
    world.gate.clear()
    await world.cache.get(FOLDER)
    await world.settled()
    world.cache.invalidate(FOLDER)
    world.gate.set()
    await world.settled()
    world.error, world.content = None, "two"
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_an_invalidation_reveals_a_folder_that_was_missing(world: World) -> None:
    world.content = None
    with pytest.raises(NotFound):
        await world.cache.get(FOLDER)
    world.content = "new"
    world.cache.invalidate(FOLDER)
    assert (await world.cache.get(FOLDER)).value == "new"


async def test_an_unchanged_folder_stays_the_same_object(world: World) -> None:
    first = (await world.cache.get(FOLDER)).value
    world.content = "".join(["o", "ne"])
    assert world.content is not first
    world.cache.invalidate(FOLDER)
    again = await world.cache.get(FOLDER)
    assert world.loads == 2
    assert again.value is first
    assert again.age == 0


async def test_what_was_read_since_a_moment_will_do(world: World) -> None:
    before = world.cache.loads_begun
    await world.cache.get(FOLDER)
    world.content = "two"
    assert (await world.cache.get(FOLDER, since=before)).value == "one"
    assert (await world.cache.get(FOLDER, since=world.cache.loads_begun)).value == "two"
    assert world.loads == 2


async def test_a_load_that_began_before_the_moment_is_waited_for_and_made_again_once(world: World) -> None:
    world.gate.clear()
    early = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    world.content = "two"
    moment = world.cache.loads_begun
    late = [asyncio.create_task(world.cache.get(FOLDER, since=moment)) for _ in range(100)]
    await world.settled()
    world.gate.set()
    assert (await early).value == "one"
    assert {(await task).value for task in late} == {"two"}
    assert world.loads == 2


async def test_nothing_older_stands_in_for_what_must_be_read_since_a_moment(world: World) -> None:
    await world.cache.get(FOLDER)
    world.error = StoreUnavailable("timeout")
    with pytest.raises(StoreUnavailable):
        await world.cache.get(FOLDER, since=world.cache.loads_begun)
    assert (await world.cache.get(FOLDER)).value == "one"


async def test_a_waiter_that_goes_away_leaves_the_load_to_the_others(world: World) -> None:
    world.gate.clear()
    first = asyncio.create_task(world.cache.get(FOLDER))
    second = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    first.cancel()
    await world.settled()
    world.gate.set()
    assert (await second).value == "one"
    assert world.loads == 1


async def test_an_evicted_folder_is_read_again(world: World) -> None:
    await world.cache.get(FOLDER)
    for number in range(300):
        world.held.put(number, "x", 1000)
    assert world.held.bytes_held <= 100_000
    await world.cache.get(FOLDER)
    assert world.loads == 2


async def test_without_a_ttl_each_use_reads_at_any_age(without_ttl: World) -> None:
    for loads, seconds in enumerate((0, 0, 1, 119, 1000, 5000), 1):
        without_ttl.now += seconds
        without_ttl.content = str(loads)
        assert without_ttl.cache.ready(FOLDER) is None
        assert await without_ttl.cache.get(FOLDER) == (str(loads), 0, False, "miss", 0)
        assert without_ttl.loads == loads


@pytest.mark.parametrize("first", ["one", None])
async def test_without_a_ttl_a_read_that_has_begun_answers_no_later_request(
    without_ttl: World, first: str | None
) -> None:
    without_ttl.content = first
    without_ttl.gate.clear()
    early = asyncio.create_task(without_ttl.cache.get(FOLDER))
    await without_ttl.settled()
    without_ttl.content = "two"
    late = [asyncio.create_task(without_ttl.cache.get(FOLDER)) for _ in range(100)]
    await without_ttl.settled()
    without_ttl.gate.set()
    await asyncio.wait([early])
    assert {(await task).value for task in late} == {"two"}
    assert without_ttl.loads == 2
    assert (early.exception() is None) is (first is not None)


async def test_without_a_ttl_absence_is_not_remembered(without_ttl: World) -> None:
    without_ttl.content = None
    with pytest.raises(NotFound):
        await without_ttl.cache.get(FOLDER)
    without_ttl.content = "new"
    assert (await without_ttl.cache.get(FOLDER)).value == "new"


async def test_without_a_ttl_what_was_read_stands_in_only_while_the_store_fails(without_ttl: World) -> None:
    await without_ttl.cache.get(FOLDER)
    without_ttl.content = "two"
    for seconds in (0, 1, 500):
        without_ttl.now += seconds
        without_ttl.error = StoreUnavailable("timeout")
        assert (await without_ttl.cache.get(FOLDER)).is_stale
    without_ttl.error = None
    assert await without_ttl.cache.get(FOLDER) == ("two", 0, False, "miss", 0)


async def test_what_another_cache_has_read_is_kept_at_its_age(world: World) -> None:
    former = World()
    await former.cache.get(FOLDER)
    world.now += 59
    world.cache.take_over(former.cache)
    assert world.cache.is_warm
    assert await world.cache.get(FOLDER) == ("one", 59, False, "fresh", 1)
    world.now += 1
    assert (await world.cache.get(FOLDER)).is_stale
    assert (await world.cache.get(FOLDER, since=former.cache.loads_begun)).value == "one"
    assert world.loads == 1


async def test_what_was_taken_over_lives_as_long_as_the_new_cache_says(without_ttl: World) -> None:
    former = World()
    await former.cache.get(FOLDER)
    without_ttl.cache.take_over(former.cache)
    without_ttl.content = "two"
    assert (await without_ttl.cache.get(FOLDER)).value == "two"


async def test_what_was_invalidated_is_read_again_by_the_cache_that_takes_over(world: World) -> None:
    former = World()
    await former.cache.get(FOLDER)
    former.cache.invalidate(FOLDER)
    world.content = "two"
    world.cache.take_over(former.cache)
    assert (await world.cache.get(FOLDER)).value == "two"


async def test_only_what_is_fresh_is_fresh(world: World) -> None:
    assert world.cache.fresh(FOLDER) is None
    await world.cache.get(FOLDER)
    world.now += 59
    assert world.cache.fresh(FOLDER) == ("one", 59, False, "fresh", 1)
    world.now += 1
    assert world.cache.fresh(FOLDER) is None


async def test_another_worker_gets_what_was_read_after_its_moment(world: World) -> None:
    async def since(moment: float, *, may_read: bool = True) -> tuple[str, float] | None:
        stored = await world.cache.read_since(FOLDER, moment, may_read=may_read)
        return stored and (stored.value, stored.read_at)

    assert await since(999, may_read=False) is None
    assert await since(999) == ("one", 1000)
    world.content = "two"
    assert await since(999) == ("one", 1000)
    world.now += 1
    assert await since(1000, may_read=False) is None
    assert await since(1000) == ("two", 1001)
    assert await since(1001) is None, "it was read, and is no newer than the moment"
    assert world.loads == 4


async def test_a_load_that_began_before_another_workers_moment_is_made_again(world: World) -> None:
    world.gate.clear()
    early = asyncio.create_task(world.cache.get(FOLDER))
    await world.settled()
    world.now += 1
    world.content = "two"
    asked = asyncio.create_task(world.cache.read_since(FOLDER, 1000, may_read=True))
    await world.settled()
    world.gate.set()
    stored = await asked
    assert stored is not None
    assert (stored.value, stored.read_at, (await early).value) == ("two", 1001, "one")


async def test_what_another_worker_has_read_is_not_read_here() -> None:
    lent: list[tuple[str, float] | None] = [("lent", 990.0), None]
    asked: list[tuple[ArtifactPath, str | None, float]] = []

    async def borrow(path: ArtifactPath, known: str | None, since: float) -> tuple[str, float] | None:
        asked.append((path, known, since))
        return lent.pop(0)

    world = World(borrow=borrow)
    assert await world.cache.get(FOLDER) == ("lent", 10, False, "miss", 0)
    assert world.loads == 0
    world.now += 190
    assert await world.cache.get(FOLDER) == ("one", 0, False, "miss", 0)
    assert world.loads == 1
    assert asked == [(FOLDER, None, -math.inf), (FOLDER, "lent", 990.0)]
    await world.cache.aclose()
