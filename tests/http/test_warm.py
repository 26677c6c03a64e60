"""Pages that are in memory: the same answers as by the long way, and no call to the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.support.live_server import app_over, live_server, token
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import request
from tests.support.stampede import stampede

POLICY = '[[rule]]\npath = "a/members"\ntier = "private"\ngroups = ["staff"]\n'


class Site(NamedTuple):
    store: MemoryStore
    client: httpx.Client


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore()
    for number in range(50):
        store.put(f"a/file-{number}.img", b"x" * number)
    store.put("a/members/secret.txt", b"secret")
    app = app_over(store, policy=POLICY, cache_ttl=60, cache_grace=60, cache_max_stale=600)
    with live_server(app) as server, httpx.Client(base_url=server.url) as client:
        yield Site(store, client)


REQUESTS: list[dict[str, str]] = [
    {},
    {"Accept": "application/json"},
    {"Accept-Encoding": "gzip"},
    {"Accept-Encoding": "br", "Accept": "text/plain"},
    {"Accept": "text/html;q=0.1, application/x-ndjson"},
    {"X-Forwarded-For": "10.1.2.3"},
]


@pytest.mark.parametrize("headers", REQUESTS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("url", ["/a/", "/a/?format=json", "/a/?format=text"])
def test_a_warm_answer_is_the_cold_one(site: Site, method: str, url: str, headers: dict[str, str]) -> None:
    cold = site.client.request(method, url, headers=headers)
    asked = len(site.store.calls)
    warm = site.client.request(method, url, headers=headers)
    assert len(site.store.calls) == asked
    assert (warm.status_code, warm.content) == (cold.status_code, cold.content) == (200, cold.content)
    changing = {"date", "age", "x-accel-expires"}
    assert {k: v for k, v in warm.headers.items() if k not in changing} == {
        k: v for k, v in cold.headers.items() if k not in changing
    }


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_a_client_that_has_the_page_is_told_so(site: Site, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    tag = site.client.get("/a/", headers=headers).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = site.client.get("/a/", headers=headers | {"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert site.client.get("/a/", headers=headers | {"If-None-Match": '"other"'}).status_code == 200


def test_a_member_sees_more_and_a_stranger_never_sees_it_after(site: Site) -> None:
    member = {"Authorization": f"Bearer {token('staff', now=time.time())}"}
    stranger = {"Authorization": f"Bearer {token('guests', now=time.time())}"}
    for _ in range(3):
        assert "members/" in site.client.get("/a/?format=text", headers=member).text
        assert "members/" not in site.client.get("/a/?format=text").text
        assert "members/" not in site.client.get("/a/?format=text", headers=stranger).text


def test_only_what_everybody_sees_may_be_kept_by_others(site: Site) -> None:
    member = {"Authorization": f"Bearer {token('staff', now=time.time())}"}
    for _ in range(2):
        public = site.client.get("/a/").headers
        assert public["cache-control"] == "public, max-age=60, stale-while-revalidate=60, stale-if-error=540"
        assert int(public["age"]) < 60
        private = site.client.get("/a/", headers=member).headers
        assert private["cache-control"] == "private, no-store"
        assert "age" not in private


def test_a_stampede_on_a_cold_folder_asks_the_store_once(site: Site) -> None:
    answers = stampede(site.client.base_url.port or 0, [request(target=b"/a/")] * 1000)
    assert {answer.status for answer in answers} == {200}
    assert [call.operation for call in site.store.calls] == ["list"]


@pytest.mark.parametrize("path", ["/healthz/", "/api/", "/license/", "/-/", "/%61pi/"])
def test_reserved_paths_are_never_the_trees(site: Site, path: str) -> None:
    for _ in range(2):
        assert site.client.get(path).status_code == 404
    assert site.store.calls == []


def test_a_request_without_a_host_is_refused_warm_or_cold(site: Site) -> None:
    site.client.get("/a/")
    answer = site.client.get("/a/", headers={"Host": "not a host"})
    assert answer.status_code == 400
