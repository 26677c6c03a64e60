"""What it costs to see that a key is spelled exactly as asked for."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from app.domain.errors import StoreDenied, StoreUnavailable
from app.storage.s3.list_page import ListPage, empty_page
from app.storage.s3.parallel_listing import ListQuery
from app.storage.s3.spelling import FEW_KEYS, KEPT_SECONDS, Spelling
from tests.support.clocks import Clock
from tests.support.waiting import PATIENCE


class Pages:
    """Gives the pages of a listing, and counts the calls."""

    def __init__(self, *pages: ListPage) -> None:
        self._pages = pages
        self.asked: list[ListQuery] = []

    async def __call__(self, query: ListQuery) -> ListPage:
        self.asked.append(query)
        return self._pages[0 if query.token is None else int(query.token)]


def page(*keys: str, folders: tuple[str, ...] = (), token: str | None = None) -> ListPage:
    return empty_page()._replace(keys=[*keys], common_prefixes=[*folders], token=token)


@pytest.mark.parametrize(
    ("pages", "is_exact", "calls"),
    [
        ([page("f")], True, 1),
        ([page("F")], False, 1),
        ([page("f-1", token="1"), page("g", token="2")], False, 1),
        ([page("F", token="1"), page("f", token="2")], True, 2),
        ([page("F", token="1"), page("F2")], False, 2),
        ([page(token="1"), page("f")], True, 2),
    ],
)
async def test_pages_are_read_until_the_key_can_come_no_more(
    pages: list[ListPage], is_exact: bool, calls: int
) -> None:
    fetch = Pages(*pages)
    assert await Spelling("", fetch, clock=Clock()).is_exact("f") == is_exact
    queries = [ListQuery("f", max_keys=FEW_KEYS), ListQuery("f", token="1")]
    assert fetch.asked == queries[:calls]


async def test_a_folder_that_was_seen_needs_no_other_look_for_a_while() -> None:
    clock = Clock()
    fetch = Pages(page("d/f", folders=("d/",)))
    spelling = Spelling("", fetch, clock=clock)
    for seconds, prefixes in [(0, ["d/f", "d"]), (KEPT_SECONDS - 1, ["d/f"]), (1, ["d/f", "d"])]:
        clock.now += seconds
        fetch.asked.clear()
        assert await spelling.is_exact("d/f")
        assert [query.prefix for query in fetch.asked] == prefixes


async def test_a_folder_is_listed_and_confirmed_side_by_side() -> None:
    pages = {"d/e/": page("d/e/f"), "d": page(folders=("d/",)), "d/e": page(folders=("d/e/",))}
    all_asked = asyncio.Barrier(len(pages))

    async def fetch(query: ListQuery) -> ListPage:
        await all_asked.wait()
        return pages[query.prefix]

    spelling = Spelling("", fetch, clock=Clock())
    async with asyncio.timeout(PATIENCE):
        assert (await spelling.fetch(ListQuery("d/e/"))).keys == ["d/e/f"]


@pytest.mark.parametrize("is_there", [True, False])
async def test_whether_an_empty_folder_is_spelled_so_does_not_matter(is_there: bool) -> None:
    async def fetch(query: ListQuery) -> ListPage:
        if query.max_keys is not None:
            raise StoreUnavailable("timeout")
        return page("d/f") if is_there else page()

    spelling = Spelling("", fetch, clock=Clock())
    with pytest.raises(StoreUnavailable) if is_there else nullcontext():
        assert (await spelling.fetch(ListQuery("d/"))).first is None


async def test_if_both_calls_fail_the_listing_says_why() -> None:
    async def fetch(query: ListQuery) -> ListPage:
        raise StoreUnavailable("timeout") if query.max_keys is not None else StoreDenied

    with pytest.raises(StoreDenied):
        await Spelling("", fetch, clock=Clock()).fetch(ListQuery("d/"))
