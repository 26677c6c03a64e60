"""A page of another site reads with a real browser what anybody gets, by ranges too, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.browser.conftest import OpenPage, take
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS_AND_VAULT

READ = """async ([url, headers]) => {
    try {
        const answer = await fetch(url, {headers});
        const text = await answer.text();
        return [answer.status, text, answer.headers.get("content-range"), answer.headers.get("etag")];
    } catch (error) {
        return [0, String(error), null, null];
    }
}"""


@pytest.fixture(scope="module")
def flasher() -> Iterator[str]:
    """Another site, with an empty page."""
    with live_server(
        HTMLResponse("<!DOCTYPE html><title>Flasher</title><link rel=icon href='data:,'>")
    ) as server:
        yield server.url


@contextmanager
def readable_by(*origins: str) -> Iterator[str]:
    """A site that scripts of these others may read."""
    store = MemoryStore()
    for path in ("boards/one.img", "members/plan.txt"):
        store.put(path, b"0123456789")
    lives: dict[str, Any] = {"cache_ttl": 600, "cache_grace": 60, "cache_max_stale": 600}
    with live_server(app_over(store, policy=MEMBERS_AND_VAULT, cors_origins=origins, **lives)) as server:
        yield server.url


@pytest.fixture(scope="module", params=["named", "any"])
def site(request: pytest.FixtureRequest, flasher: str) -> Iterator[str]:
    with readable_by(flasher if request.param == "named" else "*") as url:
        yield url


@pytest.fixture
def elsewhere(open_page: OpenPage, flasher: str) -> Page:
    page = open_page(java_script_enabled=True)
    page.goto(flasher)
    return page


def fetched(page: Page, url: str, **headers: str) -> list[Any]:
    """Status, text, `Content-Range` and `ETag`, as far as the page's scripts may see them."""
    answer: list[Any] = page.evaluate(READ, [url, headers])
    return answer


def test_a_public_file_is_read_by_ranges(elsewhere: Page, site: str) -> None:
    status, text, content_range, e_tag = fetched(elsewhere, f"{site}/boards/one.img", Range="bytes=2-4")
    assert (status, text, content_range) == (206, "234", "bytes 2-4/10")
    # Several ranges, and conditions, make the browser ask first.
    conditional = {"Range": "bytes=5-", "If-Range": e_tag}
    assert fetched(elsewhere, f"{site}/boards/one.img", **conditional)[:2] == [206, "56789"]


def test_a_folder_is_listed(elsewhere: Page, site: str) -> None:
    for _ in ("cold", "warm"):
        status, text, _, _ = fetched(elsewhere, f"{site}/boards/?format=json")
        assert status == 200
        assert '"one.img"' in text
        assert fetched(elsewhere, f"{site}/boards")[0] == 200  # by a redirect


@pytest.mark.parametrize("path", ["/members/plan.txt", "/members/", "/absent", "/login"])
def test_nothing_else_is_read(elsewhere: Page, complaints: list[str], site: str, path: str) -> None:
    for headers in ({}, {"Range": "bytes=0-", "If-Match": '"x"'}):
        assert fetched(elsewhere, site + path, **headers)[:2] == [0, "TypeError: Failed to fetch"]
    take(elsewhere, complaints, "blocked by CORS policy")
    take(elsewhere, complaints, "net::ERR_FAILED")
    complaints[:] = [line for line in complaints if "Failed to load resource" not in line]


def test_a_redirect_to_the_storage_is_followed_where_the_bucket_allows_all_origins(
    elsewhere: Page, flasher: str, complaints: list[str]
) -> None:
    """Behind a redirect from one site to another, browsers say `Origin: null`: naming the page's site is not enough."""
    asked: list[str | None] = []
    allowed = "*"

    async def storage(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(Request(scope).headers.get("origin"))
        answer = PlainTextResponse("of the bucket", headers={"Access-Control-Allow-Origin": allowed})
        await answer(scope, receive, send)

    with live_server(storage) as s3:
        store = MemoryStore(presign_base=s3.url)
        store.put("one.img", b"0123456789")
        app = app_over(store, storage="s3://bucket", cors_origins=(flasher,))
        with live_server(app) as server:
            assert fetched(elsewhere, f"{server.url}/one.img")[:2] == [200, "of the bucket"]
            allowed = flasher
            assert fetched(elsewhere, f"{server.url}/one.img")[0] == 0
    assert asked == ["null", "null"]
    take(elsewhere, complaints, "blocked by CORS policy")
    take(elsewhere, complaints, "net::ERR_FAILED")


def test_a_site_that_is_not_named_reads_nothing(elsewhere: Page, complaints: list[str]) -> None:
    with readable_by("https://flash.example.org") as url:
        assert fetched(elsewhere, f"{url}/boards/one.img")[0] == 0
    take(elsewhere, complaints, "blocked by CORS policy")
    take(elsewhere, complaints, "net::ERR_FAILED")
