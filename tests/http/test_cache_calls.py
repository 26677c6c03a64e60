"""How often the store is asked, and for what: every call is counted."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.cache import recent_paths
from app.domain.access import ANONYMOUS
from app.domain.entries import FileInfo, Listing
from app.domain.errors import NotFound, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.server.fast_lookup import REDIRECT_SECONDS
from app.storage.store import FolderWatch
from app.telemetry import Metrics
from app.wiring import SiteWiring
from tests.support.answers import member
from tests.support.clocks import Clock
from tests.support.live_server import app_over, live_server, policy_from, settings_for
from tests.support.memory_store import Call, MemoryStore
from tests.support.raw_http import request
from tests.support.served_store import Site, serve_store
from tests.support.stampede import stampede
from tests.support.waiting import wait_until

TTL, GRACE = 60, 120
SETTINGS: dict[str, Any] = {
    "cache_ttl": TTL,
    "cache_grace": GRACE,
    "cache_max_stale": 3600,
    "delivery": "proxy",
    "log_level": "warning",
}
LICENCES = ("one.img.EULA.txt", "three.img.EULA.txt", "two.img.EULA.txt")
CLIENTS = 100
PUBLIC = b"Format-Version: 0.5\n\nFiles-Pattern: *\nBuild-Name: b\nAuth-Groups:\nLicense-Type: open\n"
PRIVATE = PUBLIC.replace(b"Auth-Groups:\n", b"Auth-Groups: staff\n").replace(b"open", b"protected")


def planted(store: MemoryStore) -> None:
    """A folder with several control files, one with a single one, one without any."""
    for name in ("one.img", "two.img", "three.img", "free.txt"):
        store.put(f"licensed/{name}", name.encode())
    for name in LICENCES:
        store.put(f"licensed/{name}", b"terms of " + name.encode())
    store.put("ruled/BUILD-INFO.txt", PUBLIC)
    store.put("ruled/app.bin", b"bytes")
    store.put("plain/app.bin", b"bytes")


def site_over(store: MemoryStore, **settings: Any) -> AbstractContextManager[Site]:
    planted(store)
    return serve_store(store, **(SETTINGS | settings))


@pytest.fixture
def site() -> Iterator[Site]:
    with site_over(MemoryStore()) as site:
        yield site


# One round trip


def test_a_cold_page_costs_the_list_and_its_control_files(site: Site) -> None:
    first, *others = site.calls("GET", "/licensed/", 200)
    assert first == ("list", "licensed/")
    assert Counter(others) == Counter(("get", f"licensed/{name}") for name in LICENCES)


def test_a_cold_page_of_a_folder_without_control_files_costs_the_list(site: Site) -> None:
    assert site.calls("GET", "/plain/", 200) == [("list", "plain/")]


class MeetingStore(MemoryStore):
    """Whose control files are handed out when all of them have been asked for, and never before."""

    def __init__(self, reads: int) -> None:
        super().__init__()
        self._reads = reads
        self._meeting: asyncio.Barrier | None = None

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        if self._meeting is None:
            self._meeting = asyncio.Barrier(self._reads)
        await asyncio.wait_for(self._meeting.wait(), 10)
        return await super().read_small(path, is_listed=is_listed)


def test_control_files_are_asked_for_all_at_once() -> None:
    with site_over(MeetingStore(len(LICENCES))) as site:
        assert len(site.calls("GET", "/licensed/", 200)) == 1 + len(LICENCES)


# What is at hand


@pytest.mark.parametrize("url", ["/licensed/", "/ruled/", "/plain/"])
def test_a_warm_folder_costs_nothing_in_any_form_for_anybody(site: Site, url: str) -> None:
    site.http.get(url)
    staff = member("staff")
    for headers in ({}, staff, {"Cookie": "a=b"}, {"Accept-Encoding": "zstd"}):
        for query in ("", "?format=json", "?format=ndjson", "?format=text", "?limit=1"):
            for method in ("GET", "HEAD"):
                assert site.calls(method, url + query, 200, headers=headers) == []


def test_a_listing_by_the_api_and_a_page_share_the_folder(site: Site) -> None:
    site.http.get("/plain/")
    assert site.calls("GET", "/api/ls/plain/", 200) == []


def test_a_fresh_folder_costs_nothing_until_its_time_is_over(site: Site) -> None:
    site.http.get("/plain/")
    site.clock.now += TTL * 0.8 - 1  # before what jitter may take off
    assert site.calls("GET", "/plain/", 200) == []
    site.clock.now += TTL * 0.2 + 1
    site.http.get("/plain/")
    assert wait_until(lambda: site.store.calls.count(Call("list", "plain/")) == 2)


# Downloads

LIST, RULES = ("list", "ruled/"), ("get", "ruled/BUILD-INFO.txt")
LIST_ROOT = ("list", "")
"""The folder above says who may know what is in it."""
HEAD, BYTES = ("head", "ruled/app.bin"), ("get", "ruled/app.bin")


def test_a_cold_download_costs_one_head_more_than_a_page(site: Site) -> None:
    assert site.calls("GET", "/ruled/app.bin", 200) == [LIST, RULES, HEAD, BYTES]


def test_a_warm_download_costs_the_head_and_the_bytes(site: Site) -> None:
    site.http.get("/ruled/")
    assert site.calls("GET", "/ruled/app.bin", 200) == [HEAD, BYTES]
    assert site.calls("HEAD", "/ruled/app.bin", 200) == [HEAD]
    assert site.calls("GET", "/ruled/app.bin", 206, headers={"Range": "bytes=1-2"}) == [HEAD, BYTES]
    e_tag = site.http.head("/ruled/app.bin").headers["etag"]
    assert site.calls("GET", "/ruled/app.bin", 304, headers={"If-None-Match": e_tag}) == [HEAD]


def test_a_download_that_is_not_allowed_costs_no_look_at_the_file(site: Site) -> None:
    site.store.put("ruled/BUILD-INFO.txt", PRIVATE)
    assert site.calls("GET", "/ruled/app.bin", 401) == [LIST, RULES, LIST_ROOT]
    assert site.calls("GET", "/ruled/app.bin", 401) == []


SIGNED = ("presign", "ruled/app.bin")


@pytest.fixture
def redirecting() -> Iterator[Site]:
    with site_over(MemoryStore(presign_base="http://s3.example"), delivery="auto") as site:
        yield site


def test_a_redirected_download_costs_the_head_once(redirecting: Site) -> None:
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [LIST, RULES, HEAD, SIGNED]
    for _ in range(3):
        assert redirecting.calls("GET", "/ruled/app.bin", 302) == []


def test_a_redirect_is_made_again_when_the_store_would_sign_another_url(redirecting: Site) -> None:
    redirecting.store.presign_until = until = time.time() + 0.2
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [LIST, RULES, HEAD, SIGNED]
    assert wait_until(lambda: time.time() > until)
    redirecting.clock.now += REDIRECT_SECONDS
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [HEAD, SIGNED]


def test_a_redirect_is_made_again_when_its_folder_has_changed(redirecting: Site) -> None:
    redirecting.http.get("/ruled/app.bin")
    redirecting.store.put("ruled/app.bin", b"other bytes")
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == []
    redirecting.clock.now += TTL + GRACE
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [LIST, RULES, HEAD, SIGNED]


def test_a_redirect_holds_for_a_folder_that_was_read_again_and_is_the_same(redirecting: Site) -> None:
    redirecting.http.get("/ruled/app.bin")
    redirecting.clock.now += TTL + GRACE
    assert redirecting.calls("GET", "/ruled/", 200) == [LIST, RULES]
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == []


def test_a_redirect_from_a_stale_folder_costs_the_head(redirecting: Site) -> None:
    redirecting.http.get("/ruled/app.bin")
    redirecting.store.fail_on("list", StoreUnavailable("timeout"))
    redirecting.clock.now += TTL + GRACE
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [LIST, HEAD, SIGNED]
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [HEAD, SIGNED]


def test_a_redirect_to_what_the_listing_shows_otherwise_is_not_kept(redirecting: Site) -> None:
    redirecting.http.get("/ruled/")
    redirecting.store.put("ruled/app.bin", b"other bytes")
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [HEAD, LIST, RULES, SIGNED]
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == [HEAD, SIGNED]
    assert redirecting.calls("GET", "/ruled/app.bin", 302) == []


# What the snapshot lacks


def test_what_the_listing_lacks_is_looked_at_before_it_is_denied(site: Site) -> None:
    site.http.get("/plain/")
    looked = [("head", "plain/new.bin"), ("list", "plain/new.bin/")]
    assert site.calls("GET", "/plain/new.bin", 404) == [*looked, LIST_ROOT]
    for method in ("GET", "HEAD", "GET"):
        assert site.calls(method, "/plain/new.bin", 404) == []
    site.clock.now += 1.9
    assert site.calls("GET", "/plain/new.bin", 404) == []
    site.clock.now += 0.1
    assert site.calls("GET", "/plain/new.bin", 404) == looked


def test_a_folder_that_is_not_there_is_asked_for_once_in_two_seconds(site: Site) -> None:
    listed = [("list", "nowhere/")]
    assert site.calls("GET", "/nowhere/", 404) == [*listed, LIST_ROOT]
    assert site.calls("GET", "/nowhere/", 404) == []
    assert site.calls("GET", "/nowhere/file", 404) == []
    site.clock.now += 2
    assert site.calls("GET", "/nowhere/", 404) == listed
    site.store.put("nowhere/file", b"here now")
    site.clock.now += 2
    assert site.calls("GET", "/nowhere/", 200) == listed


def test_what_was_just_published_is_downloadable_though_the_listing_is_older(site: Site) -> None:
    assert "new.bin" not in site.http.get("/plain/").text
    site.store.put("plain/new.bin", b"just published")
    assert "new.bin" not in site.http.get("/plain/").text
    looked, listed, fetched = ("head", "plain/new.bin"), ("list", "plain/"), ("get", "plain/new.bin")
    # The folder is read again, for its rules may be as new as the file.
    assert site.calls("GET", "/plain/new.bin", 200) == [looked, listed, fetched]
    assert site.calls("GET", "/plain/new.bin", 200) == [looked, fetched]
    assert site.http.get("/plain/new.bin").content == b"just published"
    assert "new.bin" in site.http.get("/plain/").text


def test_what_was_missing_is_downloadable_two_seconds_after_it_was_asked_for(site: Site) -> None:
    assert site.http.get("/plain/new.bin").status_code == 404
    site.store.put("plain/new.bin", b"just published")
    site.clock.now += 2
    assert site.http.get("/plain/new.bin").content == b"just published"


def test_a_store_that_fails_is_no_missing_file(site: Site) -> None:
    site.http.get("/plain/")
    site.store.fail_on("head", StoreUnavailable("timeout"))
    assert site.calls("GET", "/plain/new.bin", 503) == [("head", "plain/new.bin")]
    site.store.fail_on("head", None)
    site.store.put("plain/new.bin", b"x")
    looked, listed, fetched = ("head", "plain/new.bin"), ("list", "plain/"), ("get", "plain/new.bin")
    assert site.calls("GET", "/plain/new.bin", 200) == [looked, listed, fetched]


async def test_a_scan_for_names_that_are_not_there_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_paths, "MAX_PATHS", 100)
    store = MemoryStore()
    planted(store)
    catalog = (
        SiteWiring(settings_for(**SETTINGS), policy_from(""))
        .open(store, Metrics(), age_clock=Clock())
        .catalog
    )

    tracemalloc.start()
    try:
        for number in range(1_000):
            with pytest.raises(NotFound):
                await catalog.open_file(ArtifactPath.of("plain", f"{number}-{'x' * 200}"), ANONYMOUS)
            store.calls.clear()
        gc.collect()  # what is in circles is not kept, only not freed yet
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await catalog.aclose()
    assert grown < 1_000 * 200


# New rules


def test_a_control_file_that_is_replaced_counts_when_the_ttl_is_over() -> None:
    with site_over(MemoryStore(), cache_grace=0) as site:
        assert site.http.get("/ruled/").status_code == 200
        site.store.put("ruled/BUILD-INFO.txt", PRIVATE)
        site.clock.now += TTL
        assert site.calls("GET", "/ruled/app.bin", 401) == [LIST, RULES, LIST_ROOT]
        assert "app.bin" not in site.http.get("/ruled/").text
        staff = member("staff")
        assert site.http.get("/ruled/app.bin", headers=staff).content == b"bytes"


def test_in_a_folder_that_is_asked_for_the_next_but_one_sees_the_new_rules(site: Site) -> None:
    assert site.http.get("/ruled/").status_code == 200
    site.store.put("ruled/BUILD-INFO.txt", PRIVATE)
    site.clock.now += TTL
    site.http.get("/ruled/app.bin")
    assert wait_until(lambda: site.http.get("/ruled/app.bin").status_code == 401)
    assert "app.bin" not in site.http.get("/ruled/").text


# Stampedes


class CrowdedStore(MemoryStore):
    """That answers a listing only when so many requests have come, and a HEAD after letting others run.

    Attributes:
        arrived: how many have.
    """

    def __init__(self) -> None:
        super().__init__()
        self.arrived = 0

    def watch(self, app: ASGIApp) -> ASGIApp:
        """The application, with its requests counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.arrived += 1
            await app(scope, receive, send)

        return counted

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        while self.arrived < CLIENTS:
            await asyncio.sleep(0.001)
        return await super().list_folder(path, watch)

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        for _ in range(100):
            await asyncio.sleep(0)
        return await super().head(path, is_listed=is_listed)


@pytest.mark.parametrize(
    ("target", "status", "calls"),
    [
        (b"/ruled/", 200, [LIST, RULES]),
        (b"/ruled/app.bin", 200, [LIST, RULES, HEAD, *[BYTES] * CLIENTS]),
        (
            b"/ruled/missing.bin",
            404,
            [LIST, RULES, ("head", "ruled/missing.bin"), ("list", "ruled/missing.bin/"), LIST_ROOT],
        ),
        (b"/nowhere/", 404, [("list", "nowhere/"), LIST_ROOT]),
        (b"/nowhere/file", 404, [("list", "nowhere/"), LIST_ROOT]),
    ],
)
def test_a_crowd_costs_what_one_costs(target: bytes, status: int, calls: list[tuple[str, str]]) -> None:
    store = CrowdedStore()
    planted(store)
    app = app_over(store, clock=Clock(), **SETTINGS)
    with live_server(store.watch(app)) as server:
        answers = stampede(server.port, [request(target=target)] * CLIENTS)
    assert {answer.status for answer in answers} == {status}
    assert len({answer.body for answer in answers}) == 1
    assert store.calls == calls


def test_a_stampede_on_a_failing_store_costs_what_one_costs() -> None:
    store = CrowdedStore()
    store.fail_on("list", StoreUnavailable("timeout"))
    app = app_over(store, clock=Clock(), **SETTINGS)
    with live_server(store.watch(app)) as server:
        answers = stampede(server.port, [request(target=b"/ruled/")] * CLIENTS)
    assert {answer.status for answer in answers} == {503}
    assert store.calls == [LIST]
