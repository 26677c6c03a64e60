"""What it costs to see that a key is spelled exactly as asked for."""

from __future__ import annotations

import pytest

from app.storage.s3.list_page import ListPage, empty_page
from app.storage.s3.parallel_listing import ListQuery
from app.storage.s3.spelling import FEW_KEYS, KEPT_SECONDS, Spelling
from tests.support.clocks import Clock


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
