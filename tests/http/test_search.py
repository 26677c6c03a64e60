"""Names of a subtree that match: everything the asker may see of these, in every representation, within bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import unquote, urljoin

import httpx
import pytest

from app.domain.entries import Found
from app.domain.errors import StoreUnavailable
from app.domain.paths import ArtifactPath
from app.pages.representations import REPRESENTATIONS, SEARCHED, Representation
from app.responses.search_listing import MOST_FOUND, SEARCH_SECONDS
from app.storage.store import ListNames
from tests.support import raw_http
from tests.support.answers import member
from tests.support.clocks import Clock
from tests.support.listing_page import read_listing
from tests.support.memory_store import MemoryStore
from tests.support.served_store import ServedStore, serve_store
from tests.support.site_policies import MEMBERS_AND_SHOWN
from tests.support.site_trees import SiteTree, client_of
from tests.support.store_contract import ODD_NAMES
from tests.support.waiting import wait_until

HTML = {"Accept": "text/html"}
GROUPS_ONLY = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\nAuth-Groups: staff\n"


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    for board in ("16.09", "16.12"):
        for name in ("boot.img", "MD5SUMS", "deep/er/Boot-2.img", "boot/readme"):
            tree.put(f"releases/{board}/{name}", b"12345")
    for name in ODD_NAMES:
        tree.put(f"odd/in/{name}", b"x")
    tree.put("members/inside/boot.img")
    tree.put("shown/boot.img")
    tree.put("by-control-file/BUILD-INFO.txt", GROUPS_ONLY)
    tree.put("by-control-file/boot.img")
    tree.put("malformed/BUILD-INFO.txt", b"nonsense")
    tree.put("malformed/boot.img")
    tree.link("releases/stable", "releases/16.09")
    with client_of(tree.app(policy=MEMBERS_AND_SHOWN)) as http:
        yield http


def found(client: httpx.Client, folder: str, q: str, **headers: str) -> list[dict[str, Any]]:
    answer = client.get(folder, params={"q": q, "recursive": "true", "format": "json"}, headers=headers)
    assert answer.status_code == 200
    described = answer.json()
    assert (described["truncated"], described["next"]) == (False, None)
    entries: list[dict[str, Any]] = described["entries"]
    return entries


@pytest.mark.parametrize("q", ["boot", "BOOT*.img", "1*", "", "*", "[dm]*", "nothing like it"])
@pytest.mark.parametrize("folder", ["/", "/releases/"])
def test_it_is_what_matches_of_the_walk(client: httpx.Client, folder: str, q: str) -> None:
    walk = [json.loads(line) for line in client.get(f"{folder}?recursive=true").text.splitlines()]
    listings = [folder, *(entry["url"] for entry in walk if entry["type"] == "folder")]
    by_hand = {
        entry["url"]
        for listing in listings
        for entry in client.get(listing, params={"q": q, "format": "json"}).json().get("entries", [])
    }
    wanted = [entry for entry in walk if entry["url"] in by_hand]
    assert found(client, folder, q) == wanted


def test_each_representation_has_the_same(client: httpx.Client) -> None:
    query = {"q": "boot", "recursive": "true"}
    urls = [unquote(entry["url"]) for entry in found(client, "/releases/", "boot")]
    assert len(urls) == 6
    ndjson = client.get("/releases/", params=query | {"format": "ndjson"})
    assert [unquote(json.loads(line)["url"]) for line in ndjson.text.splitlines()] == urls
    text = client.get("/releases/", params=query | {"format": "text"})
    assert [f"/releases/{unquote(line)}" for line in text.text.splitlines()] == urls
    page = client.get("/releases/", params=query, headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert [f"/releases/{unquote(row.href or '')}" for row in read_listing(page.text).rows] == urls
    assert "6 found." in page.text
    assert 'name="recursive" value="true" checked' in page.text


@pytest.mark.parametrize("form", REPRESENTATIONS.values(), ids=list(REPRESENTATIONS))
def test_what_cannot_say_that_more_may_follow_is_refused_by_name_and_passed_over_by_accept(
    client: httpx.Client, form: Representation
) -> None:
    search = "/releases/?q=boot&recursive=true"
    named = client.get(f"{search}&format={form.name}")
    accepted = client.get(search, headers={"Accept": f"{form.bare_media_type}, application/json;q=0.1"})
    if form.found is not None:
        assert named.headers["content-type"] == accepted.headers["content-type"] == form.media_type
        return
    assert named.status_code == 400
    assert f"format must be one of {', '.join(SEARCHED)}" in named.json()["detail"]
    assert accepted.headers["content-type"] == "application/json"


def test_odd_names_lead_to_their_bytes(client: httpx.Client) -> None:
    answer = client.get("/?q=&recursive=true", headers=HTML)
    rows = [row for row in read_listing(answer.text).rows if (row.href or "").startswith("odd/in/")]
    assert rows.pop(0).href == "odd/in/"
    assert len(rows) == len(ODD_NAMES)
    for row in rows:
        assert client.get(urljoin("/", row.href or "")).content == b"x"


def test_strangers_find_nothing_that_is_secret_and_members_do(client: httpx.Client) -> None:
    private = {"/members/inside/boot.img", "/shown/boot.img", "/by-control-file/boot.img"}
    strangers = {entry["url"] for entry in found(client, "/", "boot")}
    members = {entry["url"] for entry in found(client, "/", "boot", **member("staff"))}
    assert not strangers & private
    assert members == strangers | private


@pytest.mark.parametrize("format_", SEARCHED)
def test_a_hidden_folder_cannot_be_searched_any_more_than_an_absent_one(
    client: httpx.Client, format_: str
) -> None:
    answers = [
        client.get(f"/{name}/?q=boot&recursive=true&format={format_}") for name in ("members", "absent")
    ]
    assert [answer.status_code for answer in answers] == [401, 404]  # by rule alone, as without a search


def test_it_never_may_be_kept(client: httpx.Client) -> None:
    assert client.get("/?q=boot&recursive=true").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("query", [f"q={'x' * 256}", "q=a&limit=0", "q=a&after=%2F", "q=a&sort=colour"])
def test_bad_requests_say_what_is_allowed(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/?recursive=true&{query}&format=json")
    assert answer.status_code == 400
    assert "must be" in answer.json()["detail"]


def test_the_order_that_the_pages_form_sends_along_is_no_hindrance(client: httpx.Client) -> None:
    assert client.get("/?recursive=true&q=boot&sort=size&order=asc&format=text").status_code == 200


@pytest.mark.parametrize("format_", SEARCHED)
def test_parts_by_a_limit_join_to_the_whole(client: httpx.Client, format_: str) -> None:
    query, urls = f"?q=boot&recursive=true&limit=2&format={format_}", []
    for _ in range(4):
        answer = client.get(f"/releases/{query}")
        page, following = parts_of(answer, format_)
        urls += page
        if following is None:
            break
        query = following
    assert [f"/releases/{url}" for url in urls] == [
        unquote(entry["url"]) for entry in found(client, "/releases/", "boot")
    ]


def parts_of(answer: httpx.Response, format_: str) -> tuple[list[str], str | None]:
    """Paths below the folder, and the query that goes on."""
    assert answer.status_code == 200
    match format_:
        case "json":
            urls = [entry["url"] for entry in answer.json()["entries"]]
            following = answer.json()["next"]
        case "ndjson":
            lines = [json.loads(line) for line in answer.text.splitlines()]
            urls = [line["url"] for line in lines if "url" in line]
            following = next((line["next"] for line in lines if "next" in line), None)
        case "text":
            urls = [line for line in answer.text.splitlines() if not line.startswith("#")]
            ends = [line for line in answer.text.splitlines() if line.startswith("#")]
            following = ends[0].removeprefix("# more may follow: ") if ends else None
        case _:
            page = read_listing(answer.text)
            urls = [row.href or "" for row in page.rows]
            following = next((link for link in page.links if "after=" in link), None)
            following = following and following.replace("&amp;", "&")
    return [unquote(url).removeprefix("/releases/") for url in urls], following


class SlowStore(MemoryStore):
    """Counts what a walk reads, and says when it was let go. Each page takes a second of the clock.

    Attributes:
        pages: so many were read.
        is_over: whether the last walk has ended.
        fails_at: the page that cannot be read.
        delay: seconds that each page really takes; then none passes by the clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.page_entries = 10
        self.pages = 0
        self.is_over = False
        self.fails_at = 0
        self.delay = 0.0
        self.clock = Clock()

    async def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`."""
        async with aclosing(super().walk(path, after, list_names)) as walk:
            try:
                async for page in walk:
                    self.pages += 1
                    if self.delay:
                        await asyncio.sleep(self.delay)
                    else:
                        self.clock.now += 1
                    if self.pages == self.fails_at:
                        raise StoreUnavailable("test")
                    yield page
            finally:
                self.is_over = True


FILES = MOST_FOUND + 100


@pytest.fixture
def slow() -> Iterator[ServedStore[SlowStore]]:
    store = SlowStore()
    for number in range(FILES):
        store.put(f"d/{number:04}")
    with serve_store(store) as site:
        store.clock = site.clock
        yield site


@pytest.mark.parametrize("format_", ["json", "ndjson", "text"])
def test_it_ends_when_the_time_is_over_and_can_be_gone_on_with(
    slow: ServedStore[SlowStore], format_: str
) -> None:
    query, paths, requests = f"?q=00&recursive=true&format={format_}", [], 0
    while query:
        pages = slow.store.pages
        some, following = parts_of(slow.http.get(f"/{query}"), format_)
        assert slow.store.pages - pages <= SEARCH_SECONDS + 5  # and a few that are read ahead
        paths += some
        query, requests = following or "", requests + 1
    assert requests > 5
    wanted = [f"{number:04}" for number in range(FILES) if "00" in f"{number:04}"]
    assert [path.rpartition("/")[2] for path in paths] == wanted


def test_it_ends_when_enough_is_found(slow: ServedStore[SlowStore]) -> None:
    slow.store.page_entries = FILES
    answer = slow.http.get("/?q=&recursive=true&format=json").json()
    assert (len(answer["entries"]), answer["truncated"]) == (MOST_FOUND, True)


@pytest.mark.parametrize("format_", ["html", "json"])
def test_a_client_that_leaves_ends_it_though_nothing_is_found(
    slow: ServedStore[SlowStore], format_: str
) -> None:
    slow.store.page_entries, slow.store.delay = 1, 0.02
    with slow.http.stream("GET", f"/?q=absent&recursive=true&format={format_}") as answer:
        assert answer.status_code == 200
        parts = answer.iter_raw()  # kept, since the connection is closed with it
        next(parts)
        assert not slow.store.is_over
    assert wait_until(lambda: slow.store.is_over)
    assert slow.store.pages < FILES


def test_one_that_breaks_off_cannot_be_taken_for_a_whole_one(slow: ServedStore[SlowStore]) -> None:
    slow.store.fails_at = 5
    with pytest.raises(httpx.RemoteProtocolError):
        slow.http.get("/?q=00&recursive=true&format=json")


def test_a_failure_before_anything_goes_out_has_a_status_of_its_own(slow: ServedStore[SlowStore]) -> None:
    slow.store.fails_at = 1
    assert slow.http.get("/?q=00&recursive=true&format=json").status_code == 503


def test_http_1_0_has_no_chunks_to_tell_a_broken_answer_by(slow: ServedStore[SlowStore]) -> None:
    answer = raw_http.ask(slow.port, raw_http.request(b"GET", b"/?q=1&recursive=true", version=b"HTTP/1.0"))
    assert answer.status == 400
    assert b"HTTP/1.1" in answer.body


def test_head_has_no_body(slow: ServedStore[SlowStore]) -> None:
    answer = slow.http.head("/?q=00&recursive=true&format=json")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (
        200,
        "application/json",
        b"",
    )
    assert wait_until(lambda: slow.store.is_over)
