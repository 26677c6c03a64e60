"""How old an answer may be, and what it says about that (RFC 9111, RFC 5861), on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from app.domain.entries import Listing
from app.domain.errors import StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.store import FolderWatch
from tests.support.answers import member
from tests.support.memory_store import MemoryStore
from tests.support.served_store import ServedStore, serve_store
from tests.support.waiting import wait_until

TTL, GRACE, MAX_STALE = 60, 120, 3600
STALE = "pierhead; hit; detail=stale"
FORMATS = ("html", "json", "ndjson", "text")
DOWN = StoreUnavailable("timeout")


class GatedStore(MemoryStore):
    """Whose listings wait while `is_shut`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_shut = False

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        listing = await super().list_folder(path, watch)
        while self.is_shut:
            await asyncio.sleep(0.001)
        return listing


Site = ServedStore[GatedStore]


def get(site: Site, url: str = "/a/?format=text", **headers: str) -> httpx.Response:
    return site.http.get(url, headers=headers)


def listed(site: Site) -> int:
    """How often the folder was asked for."""
    return [call.operation for call in site.store.calls].count("list")


def site_over(store: GatedStore, **settings: Any) -> AbstractContextManager[Site]:
    lifetimes: dict[str, Any] = {"cache_ttl": TTL, "cache_grace": GRACE, "cache_max_stale": MAX_STALE}
    return serve_store(store, log_level="warning", **(lifetimes | settings))


@pytest.fixture
def site() -> Iterator[Site]:
    store = GatedStore()
    store.put("a/old", b"1")
    with site_over(store) as site:
        yield site


def test_a_fresh_page_says_how_old_it_is_and_nothing_else(site: Site) -> None:
    get(site)
    for age in (0, 10, 47):
        site.clock.now = 1000 + age + 0.9
        answer = get(site)
        assert (answer.status_code, answer.headers["age"]) == (200, str(age))
        assert answer.headers["x-accel-expires"] == str(TTL - age)
        assert "cache-status" not in answer.headers
    assert listed(site) == 1


def test_a_stale_page_is_served_at_once_and_refreshed_once_behind(site: Site) -> None:
    get(site)
    site.store.put("a/new", b"2")
    site.store.is_shut = True
    for age in (60, 80, 100):
        site.clock.now = 1000 + age
        for url in ("/a/?format=text", "/a/?limit=5&format=text"):  # the short way, and the long one
            answer = get(site, url)
            assert (answer.status_code, answer.text) == (200, "old\n")
            assert (answer.headers["age"], answer.headers["cache-status"]) == (str(age), STALE)
            assert answer.headers["x-accel-expires"] == "0"
    assert listed(site) == 2
    site.store.is_shut = False
    assert wait_until(
        lambda: get(site).text == "new\nold\n",
        10,
    )
    answer = get(site)
    assert "cache-status" not in answer.headers
    # The age counts from when the refresh began, for what came after that may not be in it.
    assert answer.headers["age"] == "40"
    assert listed(site) == 2


def test_an_older_page_is_not_served_before_the_store_was_asked(site: Site) -> None:
    get(site)
    site.store.put("a/new", b"2")
    site.clock.now += TTL + GRACE
    answer = get(site)
    assert (answer.text, answer.headers["age"]) == ("new\nold\n", "0")


def test_a_page_is_served_while_the_store_fails_until_it_is_too_old(site: Site) -> None:
    get(site)
    site.store.fail_on("list", DOWN)
    for age in (TTL, TTL + GRACE, MAX_STALE - 1):
        site.clock.now = 1000 + age
        answer = get(site)
        assert (answer.status_code, answer.text) == (200, "old\n")
        assert (answer.headers["age"], answer.headers["cache-status"]) == (str(age), STALE)
    site.clock.now = 1000 + MAX_STALE
    answer = get(site)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["type"].endswith("storage-unavailable")
    assert answer.json()["reason"] == "timeout"
    assert answer.headers["cache-control"] == "no-store"
    page = get(site, "/a/", Accept="text/html")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert int(page.headers["retry-after"]) > 0
    site.store.fail_on("list", None)
    answer = get(site)
    assert (answer.status_code, answer.text, answer.headers["age"]) == (200, "old\n", "0")


def test_a_control_file_that_cannot_be_read_is_covered_the_same_way(site: Site) -> None:
    site.store.put("a/EULA.txt", b"terms")
    get(site)
    site.store.fail_on("get", DOWN, path="a/EULA.txt")
    site.clock.now += TTL + GRACE
    assert get(site).headers["cache-status"] == STALE
    site.clock.now += MAX_STALE
    assert get(site).status_code == 503


def test_a_folder_never_gets_younger_without_having_been_read(site: Site) -> None:
    get(site)
    site.store.fail_on("list", DOWN)
    ages = []
    for _ in range(40):
        site.clock.now += 7.5
        ages.append(int(get(site).headers["age"]))
    assert ages == sorted(ages)
    assert ages[-1] == int(40 * 7.5)


def test_nothing_is_shown_by_rules_that_were_never_read(site: Site) -> None:
    site.store.put("a/BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: *\nBuild-Name: b\n")
    site.store.fail_on("get", DOWN, path="a/BUILD-INFO.txt")
    answer = get(site)
    assert answer.status_code == 503
    assert "old" not in answer.text


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
def test_what_may_be_kept_says_for_how_long_in_every_form(site: Site, name: str, encoding: str) -> None:
    for _ in range(2):
        answer = get(site, f"/a/?format={name}", **{"Accept-Encoding": encoding})
        assert answer.headers["cache-control"] == (
            f"public, max-age={TTL}, stale-while-revalidate={GRACE}, stale-if-error={MAX_STALE - TTL}"
        )
        assert set(answer.headers["vary"].split(", ")) == {
            "Accept", "Accept-Encoding", "Authorization", "Cookie",
        }  # fmt: skip
        known = {"If-None-Match": answer.headers["etag"], "Accept-Encoding": encoding}
        not_modified = get(site, f"/a/?format={name}", **known)
        assert not_modified.status_code == 304
        for field in ("cache-control", "vary", "age", "etag"):
            assert not_modified.headers[field] == answer.headers[field]


def test_what_one_is_shown_for_who_one_is_is_kept_by_nobody(site: Site) -> None:
    staff = member("staff")
    for name in FORMATS:
        for _ in range(2):
            answer = get(site, f"/a/?format={name}", **staff)
            assert answer.headers["cache-control"] == "private, no-store"
            assert answer.headers.keys().isdisjoint({"age", "x-accel-expires"})
            assert "Authorization" in answer.headers["vary"]


def test_what_a_trusted_network_is_shown_is_kept_by_nobody() -> None:
    store = GatedStore()
    store.put("a/old")
    with site_over(store, trusted_networks=("127.0.0.0/8",)) as site:
        for _ in range(2):
            answer = get(site)
            assert answer.headers["cache-control"] == "private, no-store"
            assert "age" not in answer.headers


def test_without_a_ttl_a_page_is_asked_for_each_time() -> None:
    store = GatedStore()
    store.put("a/old")
    with site_over(store, cache_ttl=0) as site:
        assert {get(site).headers["cache-control"] for _ in range(3)} == {"no-cache"}
        assert listed(site) == 3
        store.put("a/new")
        assert "new" in get(site).text
        assert site.http.get("/a/later").status_code == 404
        store.put("a/later", b"now")
        assert site.http.get("/a/later").content == b"now"


def test_replicas_agree_on_the_validator_of_every_form() -> None:
    names = [f"a/build-{number}.img" for number in range(400)]
    tags: list[set[tuple[str, str, str]]] = []
    for replica, order in (("eu", names), ("us", names[::-1])):
        store = GatedStore()
        for name in order:
            store.put(name, name.encode())
        with site_over(store, replica_id=replica) as site:
            found = set()
            for name in FORMATS:
                for encoding in ("identity", "gzip", "br", "zstd"):
                    answer = get(site, f"/a/?format={name}", **{"Accept-Encoding": encoding})
                    assert answer.headers["x-pierhead-replica"] == replica
                    found.add((name, encoding, answer.headers["etag"]))
            tags.append(found)
    assert tags[0] == tags[1]
    assert len({tag for *_, tag in tags[0]}) == 16
