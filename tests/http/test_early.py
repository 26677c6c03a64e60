"""A large folder that is not in memory: its first entries are on the wire while the rest is being read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from app.domain.errors import StoreUnavailable
from tests.support import raw_http
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import hang, in_turn
from tests.support.key_listing import Asked, KeyListing
from tests.support.live_server import app_for, live_server
from tests.support.site_trees import MemoryTree, client_of
from tests.support.switched_s3 import BUCKET, run_switched_s3
from tests.support.waiting import PATIENCE

NAMES = [f"f{number:03}" for number in range(600)]
FORMS = ("html", "ndjson", "text")
SOON = httpx.Timeout(PATIENCE, read=0.3)
KEPT = {"cache_ttl": 600, "cache_grace": 600, "cache_max_stale": 6000}


@pytest.fixture
def tree() -> MemoryTree:
    tree = MemoryTree()
    for name in NAMES:
        tree.put(f"d/{name}", b"x")
    tree.put("d/BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: open\n")
    tree.put("d/sub <>/f")
    tree.store.first_entries = 100
    tree.store.rest.clear()
    return tree


@pytest.fixture
def client(tree: MemoryTree) -> Iterator[httpx.Client]:
    with client_of(tree.app(**KEPT)) as http:
        yield http
        tree.store.rest.set()


def names_in(text: str, form: str) -> list[str]:
    match form:
        case "html":
            return re.findall(r'<td class="[a-z]+"><a href="([^".]+)"', text)
        case "ndjson":
            return [json.loads(line)["url"].removeprefix("/d/") for line in text.splitlines()]
        case _:
            return text.splitlines()


@pytest.mark.parametrize("form", FORMS)
def test_first_entries_come_while_the_rest_is_awaited_and_everything_comes_once(
    client: httpx.Client, tree: MemoryTree, form: str
) -> None:
    with client.stream("GET", f"/d/?format={form}") as answer:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
        pieces = answer.iter_text()
        text = next(pieces)
        while len(names_in(text, form)) < 99:
            text += next(pieces)
        assert "f099" not in text
        tree.store.rest.set()
        text += "".join(pieces)
    shown = names_in(text, form)
    assert sorted(shown) == sorted([*NAMES, "sub%20%3C%3E/"])
    assert len(set(shown)) == len(shown)
    again = client.get(f"/d/?format={form}")
    assert sorted(names_in(again.text, form)) == sorted(shown)
    assert again.headers["etag"]
    common = ("content-type", "vary", "content-security-policy", "x-content-type-options", "referrer-policy")
    assert [answer.headers.get(name) for name in common] == [again.headers.get(name) for name in common]


@pytest.mark.parametrize("form", FORMS)
def test_first_entries_of_a_folder_in_s3_need_one_answer_beside_its_own_entry(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """All names that rules can have come before those of the files, so the first page shows that there are none."""
    listing = KeyListing([f"d/f{number:04}" for number in range(1001)], {})
    with run_switched_s3({}) as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        s3.answer(in_turn(listing.answer, listing.answer, hang))
        with (
            client_of(app_for(f"s3://{BUCKET}")) as client,
            client.stream("GET", f"/d/?format={form}") as answer,
        ):
            text, pieces = "", answer.iter_text()
            while "f0998" not in text:  # the licence of f0999 may still come
                text += next(pieces)
            s3.refuse()  # or the server could not end before it gives up
        assert names_in(text, form) == [f"f{number:04}" for number in range(999)]
    assert sorted(listing.asked) == [Asked("list", "d", "/"), Asked("list", "d/", "/")]


def test_a_page_for_people_is_a_whole_page(client: httpx.Client, tree: MemoryTree) -> None:
    with client.stream("GET", "/d/") as answer:
        tree.store.rest.set()
        text = "".join(answer.iter_text())
    usual = client.get("/d/").text
    row = re.compile(r"<tr><td class.*</tr>\n?")
    # What depends on the entries: how many there are, and the button for sizes where folders are among them.
    summary = re.compile('<p class="summary">.*</p>|<form[^>]*><button[^>]*name="sizes".*</form>')
    meanings = re.compile('<dl class="meanings">.*</dl>\n', re.DOTALL)

    def frame(page: str) -> str:
        return meanings.sub("", summary.sub("", row.sub("", page))).replace("\n", "")

    assert frame(text) == frame(usual)
    assert "Reload the page" in text
    assert sorted(row.findall(text)) == sorted(row.findall(usual))


@pytest.mark.parametrize("form", FORMS)
def test_a_rest_that_fails_breaks_the_answer_off(
    client: httpx.Client, tree: MemoryTree, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    listed = tree.store.list_folder

    async def fail(*args: object) -> object:
        await listed(*args)  # type: ignore[arg-type]
        raise StoreUnavailable("timeout")

    monkeypatch.setattr(tree.store, "list_folder", fail)
    with client.stream("GET", f"/d/?format={form}") as answer:
        tree.store.rest.set()
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


@pytest.mark.parametrize(
    "query", ["format=json", "limit=5", "format=ndjson&limit=5", "format=text&after=f001"]
)
def test_other_answers_wait_for_the_whole(client: httpx.Client, tree: MemoryTree, query: str) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.get(f"/d/?{query}", timeout=SOON)
    tree.store.rest.set()
    assert client.get(f"/d/?{query}").headers["etag"]


def test_head_waits_for_the_whole(client: httpx.Client, tree: MemoryTree) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.head("/d/", timeout=SOON)
    tree.store.rest.set()
    assert client.head("/d/").headers["etag"]


def test_http_1_0_is_given_the_whole(tree: MemoryTree) -> None:
    tree.store.rest.set()
    with live_server(tree.app()) as server:
        answer = raw_http.ask(server.port, b"GET /d/?format=text HTTP/1.0\r\nHost: h\r\n\r\n")
    assert "content-length" in answer.headers
    assert answer.body.count(b"\n") == len(NAMES) + 1
