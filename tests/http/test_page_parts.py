"""The page of a large folder comes in parts, to those who ask for HTML by its name; nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import httpx
import pytest

from app.responses import folder_listing
from tests.support.listing_page import read_listing
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_trees import MemoryTree, client_of

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ROWS = 200
COUNT = 2 * ROWS + 50


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a tenth of the size, which take a tenth of the time."""
    monkeypatch.setattr(folder_listing, "PAGE_ROWS", ROWS)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    store = MemoryStore()
    for number in range(COUNT):
        store.put(f"many/build-{number}.img", b"x" * (number % 7), modified=1e9 + number * 7919 % 100_000)
    for number in range(ROWS):
        store.put(f"few/{number}")
    with serve_store(store) as served:
        yield served


def parts(http: httpx.Client, url: str, relation: str = "next") -> Iterator[tuple[list[str], str]]:
    """Names and URL of each part from one on, by the links of the pages alone."""
    following: str | None = url
    while following:
        url, answer = following, http.get(following, headers=BROWSER)
        assert answer.status_code == 200
        page = read_listing(answer.text)
        assert len(page.names) <= ROWS
        yield page.names, url
        start = answer.text.find(f'rel="{relation}" href="')
        link = answer.text[start:].split('"', 4)[3] if start >= 0 else None
        following = link and urljoin(url, unescape(link))


def names_of(http: httpx.Client, query: str) -> list[str]:
    names: list[str] = [entry["name"] for entry in http.get(f"/many/?format=json{query}").json()["entries"]]
    return names


@pytest.mark.parametrize(
    "query", ["", "&sort=size&order=desc", "&sort=modified", "&q=*[13579].img", "&sort=name&q=1"]
)
def test_all_parts_are_the_whole_listing(site: Site, query: str) -> None:
    whole = names_of(site.http, query)
    pages = [names for names, _ in parts(site.http, f"/many/?{query.removeprefix('&')}")]
    assert [name for names in pages for name in names] == whole
    assert [len(names) for names in pages[:-1]] == [ROWS] * (len(pages) - 1)
    assert (len(pages) > 1) == (len(whole) > ROWS)


@pytest.mark.parametrize("query", ["", "sort=size&order=desc"])
def test_the_way_back_is_that_there(site: Site, query: str) -> None:
    there = list(parts(site.http, f"/many/?{query}"))
    back = list(parts(site.http, there[-1][1], "prev"))
    assert [names for names, _ in back] == [names for names, _ in reversed(there)]
    first = urljoin("/many/", f"?{query}" if query else "./")
    assert back[-1][1] == first


def test_previous_pages_by_a_limit(site: Site) -> None:
    there = list(parts(site.http, "/few/?limit=70"))
    assert [len(names) for names, _ in there] == [70, 70, 60]
    back = list(parts(site.http, there[-1][1], "prev"))
    assert [names for names, _ in back] == [names for names, _ in reversed(there)]


@pytest.mark.parametrize("headers", [{"Accept": "*/*"}, {"Accept": ""}])
def test_programs_that_take_anything_get_all_in_one_page(site: Site, headers: dict[str, str]) -> None:
    answer = site.http.get("/many/", headers=headers)
    page = read_listing(answer.text)
    assert len(page.names) == COUNT
    assert not [link for link in page.links if "?" in link]
    assert "next" not in answer.links


def test_a_folder_that_fits_is_one_page(site: Site) -> None:
    assert len(list(parts(site.http, "/few/"))) == 1
    assert (
        site.http.get("/few/", headers=BROWSER).text == site.http.get("/few/", headers={"Accept": "*/*"}).text
    )


def test_each_kind_of_client_gets_its_own_page_from_the_cache(site: Site) -> None:
    for _ in range(2):
        for headers, count in ((BROWSER, ROWS), ({"Accept": "*/*"}, COUNT)):
            first, second = (site.http.get("/many/", headers=headers) for _ in range(2))
            assert len(read_listing(first.text).names) == count
            assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])
            assert second.links == first.links
            assert "Accept" in first.headers["vary"]
            known = site.http.get("/many/", headers=headers | {"If-None-Match": first.headers["etag"]})
            assert known.status_code == 304


def test_parts_of_a_folder_that_is_being_read_lose_nothing() -> None:
    tree = MemoryTree()
    for number in range(COUNT):
        tree.put(f"many/{number}")
    tree.put("many/BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: open\n")
    tree.store.first_entries = 30
    tree.store.rest.clear()
    with client_of(tree.app()) as http:
        with http.stream("GET", "/many/", headers=BROWSER) as answer:
            pieces = answer.iter_text()
            text = next(pieces)
            tree.store.rest.set()
            text += "".join(pieces)
        assert "etag" not in answer.headers
        page = read_listing(text)
        assert len(set(page.names)) == len(page.names) <= ROWS + 30
        start = text.index('rel="next" href="')
        following = urljoin("/many/", unescape(text[start:].split('"', 4)[3]))
        rest = [name for names, _ in parts(http, following) for name in names]
        whole = http.get("/many/?format=text").text.splitlines()
        assert len(whole) == COUNT
        assert {*page.names, *rest} == set(whole)


def test_the_first_part_counts_what_all_parts_have_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # numbers as large as they are
    tree, policy = (
        MemoryTree(),
        '[[rule]]\npath = "d/hidden*"\ntier = "private"\ngroups = ["g"]\nvisibility = "hidden"\n',
    )
    for number in range(folder_listing.PAGE_ROWS + 3):
        tree.put(f"d/{number}.img", b"x" * 1024)
        tree.put(f"d/hidden{number}.img", b"x" * 1024)
    with client_of(tree.app(policy=policy, cache_ttl=60)) as client:
        for _ in range(2):
            first = client.get("/d/?sort=name", headers=BROWSER).text
            assert "2,003 files, 2.0 MiB; 2,000 entries on this page, more follow" in first
        second = client.get("/d/?sort=name&after=5.img", headers=BROWSER).text
        assert "2,003" not in second
