"""A large folder listed in ranges: whatever the split, the same listing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import StoreUnavailable
from app.storage.s3.list_page import ListPage, empty_page
from app.storage.s3.parallel_listing import IN_FLIGHT, ListQuery, RangeLister
from app.storage.s3.split_points import MOST_PROBES, split_points
from tests.support.key_list import KeyList

PREFIX = "folder/"


async def listed(bucket: KeyList, lister: RangeLister | None = None) -> list[str]:
    """Every key and common prefix of the folder, page by page, in the order in which pages were given."""
    pages: list[ListPage] = []
    await (lister or RangeLister(bucket.fetch)).run(PREFIX, pages.append)
    return [item for page in pages for item in sorted((*page.keys, *page.common_prefixes))]


def items_of(keys: Sequence[str]) -> list[str]:
    """What one call without a limit would give, by its definition."""
    rest = [key.removeprefix(PREFIX).partition("/") for key in keys if key.startswith(PREFIX)]
    return sorted({PREFIX + name + slash for name, slash, _ in rest})


NAMES = st.one_of(
    st.text("0129", min_size=1, max_size=5),
    st.text("abz/", min_size=1, max_size=5),
    st.text("0af", min_size=4, max_size=6),
    st.text("-.~AZ\u00fc\U0001f680", min_size=1, max_size=3),
)
KEYS = st.sets(NAMES.map(PREFIX.__add__), max_size=120)


@given(KEYS, st.integers(2, 7), st.booleans(), st.integers(0, 3), KEYS, KEYS, st.integers(0, 99))
async def test_whatever_was_there_throughout_is_listed_once_and_in_order(
    keys: set[str], size: int, skips: bool, repeats: int, come: set[str], go: set[str], seed: int
) -> None:
    """Twice by the same lister, so that the second time begins from the first one's splits."""
    bucket = KeyList(keys, size, skips_group=skips, repeats=repeats)
    lister = RangeLister(bucket.fetch)
    chance = random.Random(seed)

    def change(query: ListQuery) -> None:
        bucket.keys |= {key for key in come if chance.random() < 0.2}
        bucket.keys -= {key for key in go - come if chance.random() < 0.2}

    assert await listed(bucket, lister) == items_of(sorted(keys))
    bucket.before_answer = change
    for _ in range(2):
        before = set(bucket.keys)
        found = await listed(bucket, lister)
        assert sorted(found) == sorted(set(found))
        assert repeats or found == sorted(found)  # what comes may be among what is repeated
        always, ever = items_of(sorted(before & bucket.keys)), items_of(sorted(before | come))
        assert set(always) <= set(found) <= set(ever)


@given(KEYS, st.integers(1, 7), st.booleans(), st.integers(0, 3))
async def test_columns_stay_together(keys: set[str], size: int, skips: bool, repeats: int) -> None:
    pages: list[ListPage] = []
    bucket = KeyList(keys, size, skips_group=skips, repeats=repeats)
    await RangeLister(bucket.fetch).run(PREFIX, pages.append)
    for page in pages:
        assert [(len(key), 1.5e9, f"tag of {key}") for key in page.keys] == list(
            zip(page.sizes, page.modified, page.e_tags, strict=True)
        )


@pytest.mark.parametrize("count", [0, 1, 1000])
async def test_what_fits_one_page_costs_one_call(count: int) -> None:
    bucket = KeyList(f"{PREFIX}{number}" for number in range(count))
    assert len(await listed(bucket)) == count
    assert bucket.queries == [ListQuery(PREFIX)]


async def test_two_pages_cost_two_calls() -> None:
    bucket = KeyList(f"{PREFIX}{number}" for number in range(2000))
    assert len(await listed(bucket)) == 2000
    assert len(bucket.queries) == 2


NUMBERED = [f"{PREFIX}build-{number:06}.img" for number in range(40_000)]
HASHED = [f"{PREFIX}{number * 2654435761 % 2**32:08x}.tar.gz" for number in range(40_000)]


async def rounds_of(bucket: KeyList, lister: RangeLister) -> int:
    """How many round trips a listing took, were each call as long as the others."""
    rounds = 0
    gate = asyncio.Condition()
    fetch = bucket.fetch

    async def counted(query: ListQuery) -> ListPage:
        page = await fetch(query)
        async with gate:
            await gate.wait()
        return page

    lister._fetch = counted
    listing = asyncio.create_task(listed(bucket, lister))
    while not listing.done():
        for _ in range(20):
            await asyncio.sleep(0)
        rounds += 1
        async with gate:
            gate.notify_all()
    assert len(listing.result()) == len(bucket.keys)
    return rounds


@pytest.mark.parametrize(("count", "most"), [(2_500, 3), (3_500, 4), (5_000, 5)])
async def test_a_folder_of_a_few_pages_takes_hardly_longer_for_being_cut(count: int, most: int) -> None:
    """The page behind the first two is asked for together with the places to cut at, not after these."""
    bucket, single = KeyList(NUMBERED[:count]), KeyList(NUMBERED[:1])
    rounds_of_one_call = await rounds_of(single, RangeLister(single.fetch))
    assert await rounds_of(bucket, RangeLister(bucket.fetch)) <= most + rounds_of_one_call


@pytest.mark.parametrize("keys", [NUMBERED, HASHED], ids=["numbered", "hashed"])
async def test_a_large_folder_takes_few_round_trips_and_little_more_than_its_pages(keys: list[str]) -> None:
    bucket = KeyList(keys)
    lister = RangeLister(bucket.fetch)
    assert await rounds_of(bucket, lister) <= 13  # one after the other, it is 40
    pages = [query for query in bucket.queries if query.max_keys is None]
    assert len(pages) <= 55
    bucket.queries.clear()
    assert await rounds_of(bucket, lister) <= 7  # known by now
    assert len(bucket.queries) <= 43
    assert bucket.most_under_way <= IN_FLIGHT


async def test_ranges_are_not_cut_again_while_there_are_enough() -> None:
    bucket = KeyList(f"{PREFIX}build-{number:06}.img" for number in range(100_000))
    assert len(await listed(bucket)) == 100_000
    assert len(bucket.queries) <= 130


async def test_a_range_that_ends_with_a_page_needs_no_other() -> None:
    bucket = KeyList(NUMBERED)
    lister = RangeLister(bucket.fetch)
    await listed(bucket, lister)
    bucket.queries.clear()
    await listed(bucket, lister)
    assert len(bucket.queries) == len(NUMBERED) / 1000


@given(
    st.lists(st.text("09afzAZ-_", max_size=6), min_size=2, max_size=50, unique=True),
    st.none() | st.text("09afz", max_size=6),
)
def test_points_are_few_and_lie_in_order_behind_the_page(names: list[str], until: str | None) -> None:
    keys = sorted(PREFIX + name for name in names)
    end = None if until is None else PREFIX + until
    points = split_points(keys, end, PREFIX)
    assert len(points) <= MOST_PROBES
    assert points == sorted(set(points))
    assert all(point > keys[-1] and (end is None or point < end) for point in points)


def test_points_are_most_likely_where_the_page_would_go_on() -> None:
    keys = [f"{PREFIX}build-{number:06}.img" for number in range(1000)]
    points = [point.removeprefix(PREFIX) for point in split_points(keys, None, PREFIX)]
    assert points[:11] == ["build-003", "build-006", "build-009", *(f"build-0{n}" for n in range(1, 9))]


async def test_pages_that_wait_for_an_earlier_one_are_not_taken_all_at_once() -> None:
    bucket = KeyList(NUMBERED)
    turn, tokens, turns = 0, 0, []

    async def fetch(query: ListQuery) -> ListPage:
        nonlocal tokens
        tokens += query.token is not None
        is_first_of_first_range = query.token is not None and tokens == 3
        page = await bucket.fetch(query)
        for _ in range(1000 if is_first_of_first_range else 0):
            await asyncio.sleep(0)
        return page

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await RangeLister(fetch).run(PREFIX, lambda page: turns.append(turn))
    counting.cancel()
    assert len(turns) >= 40
    assert len(set(turns)) == len(turns)


async def test_a_range_that_fails_fails_the_listing() -> None:
    bucket = KeyList(NUMBERED[:9000], 100)

    def fail(query: ListQuery) -> None:
        if len(bucket.queries) > 60:
            raise StoreUnavailable("throttled")

    bucket.before_answer = fail
    with pytest.raises(StoreUnavailable, match="throttled"):
        await listed(bucket)


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize("size", [3, 1000])
async def test_what_is_twice_at_the_ends_of_pages_is_listed_once(size: int, is_ordered: bool) -> None:
    names = ["a", "b", "c/1", "c/2", "c/3", "c/4", "d", "e/1", "e/2", "f"]
    keys = [PREFIX + name for name in names] + (NUMBERED[:2500] if size == 1000 else [])
    bucket = (KeyList if is_ordered else Shuffled)(keys, size, repeats=2)
    assert await listed(bucket) == items_of(keys)


async def test_a_key_twice_on_one_page_is_listed_once() -> None:
    page = ListPage(["a", "b", "a"], [1, 2, 3], [0, 0, 0], ["x", "y", "z"], ["d/", "d/"], None, {})

    async def fetch(query: ListQuery) -> ListPage:
        return page

    pages: list[ListPage] = []
    await RangeLister(fetch).run("", pages.append)
    assert pages == [ListPage(["a", "b"], [1, 2], [0, 0], ["x", "y"], ["d/"], None, {})]


class Shuffled(KeyList):
    """Whose pages are in no order, as those of a directory bucket are."""

    async def fetch(self, query: ListQuery) -> ListPage:
        page = await super().fetch(query)
        return page._replace(keys=page.keys[::-1])


async def test_a_bucket_without_order_is_listed_page_by_page() -> None:
    bucket = Shuffled(NUMBERED[:5000])
    assert await listed(bucket) == NUMBERED[:5000]
    assert len(bucket.queries) == 5
    assert bucket.most_under_way == 1


async def test_order_that_is_lost_on_the_way_is_an_error() -> None:
    bucket = KeyList(NUMBERED[:9000])
    shuffled = Shuffled(NUMBERED[:9000])

    async def fetch(query: ListQuery) -> ListPage:
        bucket.queries.append(query)
        return await (bucket if len(bucket.queries) < 5 else shuffled).fetch(query)

    with pytest.raises(StoreUnavailable, match="unexpected"):
        await RangeLister(fetch).run(PREFIX, lambda page: None)


async def test_a_listing_that_is_cancelled_leaves_no_call_behind() -> None:
    started = asyncio.Event()
    under_way = 0

    async def fetch(query: ListQuery) -> ListPage:
        nonlocal under_way
        if query.token is None and not query.after:
            return await KeyList(NUMBERED, 100).fetch(query)
        under_way += 1
        started.set()
        try:
            return await asyncio.Event().wait() and empty_page()
        finally:
            under_way -= 1

    listing = asyncio.create_task(RangeLister(fetch).run(PREFIX, lambda page: None))
    await started.wait()
    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing
    assert under_way == 0


async def test_a_listing_that_fails_leaves_no_call_behind() -> None:
    under_way = 0

    async def fetch(query: ListQuery) -> ListPage:
        nonlocal under_way
        if query.max_keys is None:
            return await KeyList(NUMBERED, 100).fetch(query)
        if under_way == 3:
            raise StoreUnavailable("throttled")
        under_way += 1
        try:
            return await asyncio.Event().wait() and empty_page()
        finally:
            under_way -= 1

    with pytest.raises(StoreUnavailable, match="throttled"):
        await RangeLister(fetch).run(PREFIX, lambda page: None)
    assert under_way == 0
