"""A listing in pages: everything once, whatever is published or withdrawn meanwhile."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.listing_page import read_listing
from tests.support.site_trees import MemoryTree, SiteTree, client_of
from tests.support.store_contract import ODD_NAMES

NAMES = (*ODD_NAMES, *(f"build {n}" for n in range(40)), *map(str, range(1, 40)), "latest")
FOLDERS = ("f1", "f 2", "üb", "7.1", "7.10")


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    for name in NAMES:
        tree.put(f"many/{name}", b"x")
    for name in FOLDERS:
        tree.put(f"many/{name}/inside")
    with client_of(tree.app()) as http:
        yield http


def follow_next(
    client: httpx.Client, path: str, *, between: Callable[[], None] = lambda: None
) -> Iterator[httpx.Response]:
    """Every page from the first to the last, by `Link` alone."""
    url: str | None = str(client.base_url.join(path))
    while url:
        answer = client.get(url)
        assert answer.status_code == 200
        yield answer
        between()
        following = answer.links.get("next")
        url = urljoin(url, following["url"]) if following else None


@pytest.mark.parametrize("limit", [1, 7, 40, 1000])
def test_pages_together_are_the_whole_listing(client: httpx.Client, limit: int) -> None:
    whole = client.get("/many/?format=text").text.splitlines()
    assert len(whole) == len(NAMES) + len(FOLDERS)
    pages = [answer.text.splitlines() for answer in follow_next(client, f"/many/?format=text&limit={limit}")]
    assert [line for page in pages for line in page] == whole
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


def test_json_tells_whether_more_follows_and_where(client: httpx.Client) -> None:
    answers = list(follow_next(client, "/many/?format=json&limit=30"))
    for answer in answers[:-1]:
        assert answer.json()["truncated"] is True
        assert answer.json()["next"] == answer.links["next"]["url"]
    assert answers[-1].json()["truncated"] is False
    assert answers[-1].json()["next"] is None
    assert "link" not in answers[-1].headers


def test_the_next_page_by_accept_alone_is_negotiated_again(client: httpx.Client) -> None:
    first = client.get("/many/?limit=5", headers={"Accept": "application/json"})
    assert "format" not in first.links["next"]["url"]
    second = client.get(
        first.url.join(first.links["next"]["url"]), headers={"Accept": "application/json"}
    ).json()
    assert len(second["entries"]) == 5


def test_people_page_by_a_link(client: httpx.Client) -> None:
    seen: list[str] = []
    url = "/many/?limit=40"
    while url:
        text = client.get(url).text
        seen += read_listing(text).hrefs
        following = re.findall(r'<a class="button" rel="next" href="([^"]+)"', text)
        assert len(following) <= 1
        url = urljoin("/many/", unescape(following[0])) if following else ""
    assert seen == client.get("/many/?format=text").text.splitlines()


def test_a_limit_that_fits_exactly_has_no_next_page(client: httpx.Client) -> None:
    answer = client.get(f"/many/?format=json&limit={len(NAMES) + len(FOLDERS)}")
    assert "link" not in answer.headers
    assert answer.json()["truncated"] is False


def test_without_a_limit_nothing_is_ever_cut(client: httpx.Client) -> None:
    answer = client.get("/many/?format=json")
    assert len(answer.json()["entries"]) == len(NAMES) + len(FOLDERS)
    assert "link" not in answer.headers


def test_after_may_name_what_is_not_there(client: httpx.Client) -> None:
    rest = client.get("/many/", params={"format": "text", "after": "20.5"}).text.splitlines()
    assert rest[0] == "21"
    assert client.get("/many/", params={"format": "text", "after": "\U0001f681"}).text == ""


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=x", "limit=1e3", "limit=", "limit=100001", "limit=%D9%A1", "limit=1&limit=2",
        "after=", "after=/", "after=..", "after=a/b", "after=a//", "after=%00", "after=a&after=b",
    ],
)  # fmt: skip
def test_what_is_no_limit_and_no_name_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/many/?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("seed", range(5))
def test_what_stays_is_seen_exactly_once_while_others_come_and_go(memory: MemoryTree, seed: int) -> None:
    chance = random.Random(seed)
    staying = {f"{kind} {n}" for n in range(20) for kind in ("stay", "also stays")}
    passing = [f"{letter}{n}" for letter in "abstz" for n in range(12)]
    present = set(passing[::2])
    for name in staying | present:
        memory.put(f"d/{name}")

    def change() -> None:
        for name in chance.sample(passing, 6):
            if name in present:
                memory.remove(f"d/{name}")
            else:
                memory.put(f"d/{name}")
            present.symmetric_difference_update({name})

    with client_of(memory.app()) as client:
        seen = [
            entry["name"]
            for answer in follow_next(client, "/d/?format=json&limit=4", between=change)
            for entry in answer.json()["entries"]
        ]
    assert len(seen) == len(set(seen))
    assert staying <= set(seen) <= staying | set(passing)
