"""Redirects that are in memory: the same answers as by the long way, for the same people, and no call to the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from app.cache.response_cache import RedirectCache
from tests.support.answers import member
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import exchange, request
from tests.support.served_store import Site, serve_store
from tests.support.site_policies import MEMBERS

LICENCE = b"Be nice."
ACCEPTED = {"License-Accepted": hashlib.sha256(LICENCE).hexdigest()}
SETTINGS: dict[str, Any] = {
    "cache_ttl": 60,
    "cache_grace": 60,
    "cache_max_stale": 600,
    "storage": "s3://bucket",
}
FAR = "https://s3.example"


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore(presign_base=FAR)
    store.put("d/f.txt", b"0123456789")
    store.put("to-d/.s3_linked_from", b"d")
    store.put("eula/EULA.txt", LICENCE)
    store.put("eula/x.img", b"x")
    store.put("members/f", b"x")
    with serve_store(store, policy=MEMBERS, **SETTINGS) as site:
        yield site


@pytest.mark.parametrize(
    "target", [b"/d/f.txt", b"/d/f*", b"/to-d/f.txt", b"/to-d/f*", b"/-/tree/d/f.txt", b"/-/tree/d/f*"]
)
def test_it_is_the_same_to_the_byte_by_the_long_way(
    site: Site, monkeypatch: pytest.MonkeyPatch, target: bytes
) -> None:
    ask = request(target=target)
    exchange(site.port, ask)
    fast_path = exchange(site.port, ask)
    monkeypatch.setattr(RedirectCache, "ready", lambda *_: None)
    long_way = exchange(site.port, ask)

    def fields(answer: bytes) -> set[bytes]:
        return {line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:")}

    assert fast_path.startswith(b"HTTP/1.1 302 ")
    assert fields(fast_path) == fields(long_way)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Accept": "text/html"}, {"X-Forwarded-For": "10.1.2.3"}],
)
def test_who_shows_nothing_is_answered_without_asking_the_store(site: Site, headers: dict[str, str]) -> None:
    site.http.get("/d/f.txt")
    assert not site.calls("GET", "/d/f.txt", 302, headers=headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=0-0,5-5"}, 206),
        ({"Range": "bytes=0-0"}, 302),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"another"'}, 302),
        ({"If-Match": '"another"'}, 412),
        ({"If-Range": '"another"', "Range": "bytes=5-"}, 200),
        ({"If-Modified-Since": "Fri, 01 Jan 2021 00:00:00 GMT"}, 304),
        ({"Cookie": "a=b"}, 302),
        ({"License-Accepted": "x"}, 302),
        ({"License_Accepted": "x"}, 302),
        ({"Authorization": "Bearer nonsense"}, 401),
    ],
)
def test_what_is_out_of_the_ordinary_goes_the_long_way(
    site: Site, headers: dict[str, str], status: int
) -> None:
    site.http.get("/d/f.txt")
    assert site.http.get("/d/f.txt", headers=headers).status_code == status
    assert site.http.get("/d/f.txt?key=x").status_code == 410
    assert not site.calls("GET", "/d/f.txt", 302)


def test_head_is_answered_with_the_files_own_headers(site: Site) -> None:
    site.http.get("/d/f.txt")
    answer = site.http.head("/d/f.txt")
    assert (answer.status_code, answer.headers["content-length"]) == (200, "10")


def test_an_acceptance_opens_nothing_for_the_next_one(site: Site) -> None:
    for _ in range(3):
        assert site.http.get("/eula/x.img", headers=ACCEPTED).headers["location"].startswith(FAR)
        assert site.http.get("/eula/x.img").status_code == 403


def test_membership_opens_nothing_for_the_next_one(site: Site) -> None:
    staff = member("staff")
    for _ in range(3):
        assert site.http.get("/members/f", headers=staff).content == b"x"
        assert site.http.get("/members/f").status_code == 401


def test_a_trusted_network_opens_nothing_for_others() -> None:
    store = MemoryStore(presign_base=FAR)
    store.put("members/f", b"x")
    networks = {"trusted_networks": ("192.0.2.0/24",), "trusted_proxies": ("127.0.0.1/32",)}
    with serve_store(store, policy=MEMBERS, **networks, **SETTINGS) as site:
        for _ in range(3):
            inside = site.http.get("/members/f", headers={"X-Forwarded-For": "192.0.2.7"})
            assert inside.headers["location"].startswith(FAR)
            assert site.http.get("/members/f", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_they_are_counted_as_downloads(site: Site) -> None:
    for _ in range(3):
        site.http.get("/d/f.txt")
    text = site.http.metrics()
    assert 'pierhead_download_duration_seconds_count{route="file-redirect",status="302"} 3.0' in text
