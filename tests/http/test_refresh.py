"""What is new is seen: a file at once, a listing when asked for or told."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator

import pytest

from app.domain.access import Permission
from tests.support.live_server import token
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store


def names(site: Site, path: str = "/a/", **headers: str) -> list[str]:
    """A folder's listing, and so what is in the cache."""
    return site.http.get(f"{path}?format=text", headers=headers).text.split()


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore()
    store.put("a/one")
    with serve_store(store, cache_ttl=3600, cache_max_stale=7200) as site:
        yield site


def bearer(*permissions: Permission) -> dict[str, str]:
    text = token(now=time.time(), permissions=frozenset(permissions))
    return {"Authorization": f"Bearer {text}"}


def event(*keys: str, bucket: str = "artifacts") -> dict[str, object]:
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}} for key in keys]}


def test_a_new_file_can_be_downloaded_before_it_is_listed_and_its_folder_is_read_for_that(site: Site) -> None:
    assert names(site) == ["one"]
    site.store.put("a/two", b"new")
    assert names(site) == ["one"]
    assert site.http.get("/a/two").content == b"new"
    assert names(site) == ["one", "two"]


def test_a_new_folder_is_found_without_its_slash_before_it_is_listed(site: Site) -> None:
    assert names(site) == ["one"]
    site.store.put("a/two/f", b"new")
    assert names(site) == ["one"]
    answer = site.http.get("/a/two")
    assert (answer.status_code, answer.headers["location"]) == (301, "/a/two/")


def test_a_permitted_reader_gets_a_new_listing_for_everybody(site: Site) -> None:
    assert names(site) == ["one"]
    site.store.put("a/two")
    new = bearer(Permission.REFRESH) | {"Cache-Control": "no-cache"}
    assert names(site, **new) == ["one", "two"]
    assert names(site) == ["one", "two"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "no-cache"},
        {"Cache-Control": "no-cache"} | bearer(),
        {"Cache-Control": "no-cache"} | bearer(Permission.INVALIDATE),
        bearer(Permission.REFRESH),
    ],
)
def test_nobody_else_makes_the_storage_work(site: Site, headers: dict[str, str]) -> None:
    assert names(site) == ["one"]
    site.store.put("a/two")
    assert names(site, **headers) == ["one"]


def test_asking_again_and_again_costs_no_more(site: Site) -> None:
    new = bearer(Permission.REFRESH) | {"Cache-Control": "no-cache"}
    started = time.monotonic()
    for _ in range(50):
        names(site, **new)
    seconds = time.monotonic() - started
    lists = [call for call in site.store.calls if call.operation == "list"]
    assert len(lists) <= 1 + seconds + 1


def test_an_event_shows_the_upload_at_once(site: Site) -> None:
    assert names(site) == ["one"]
    assert names(site, "/") == ["a/"]
    site.store.put("a/b c/two")
    answer = site.http.post(
        "/api/v1/invalidate", json=event("a/b+c/two"), headers=bearer(Permission.INVALIDATE)
    )
    assert (answer.status_code, answer.json()) == (200, {"paths": ["/a/b%20c/two"]})
    assert names(site) == ["b%20c/", "one"]


def test_an_event_shows_that_a_folder_is_gone(site: Site) -> None:
    assert names(site, "/") == ["a/"]
    site.store.remove("a/one")
    site.store.put("z")
    site.http.post("/api/v1/invalidate", json=event("a/one"), headers=bearer(Permission.INVALIDATE))
    assert names(site, "/") == ["z"]
    assert site.http.get("/a/").status_code == 404


def test_a_file_that_was_asked_for_too_early_is_there_after_its_event(site: Site) -> None:
    assert site.http.get("/a/two").status_code == 404
    site.store.put("a/two", b"new")
    site.http.post("/api/v1/invalidate", json=event("a/two"), headers=bearer(Permission.INVALIDATE))
    assert site.http.get("/a/two").content == b"new"


def test_the_token_may_come_as_a_password_in_the_senders_url(site: Site) -> None:
    password = token(now=time.time(), permissions=frozenset({Permission.INVALIDATE}))
    basic = base64.b64encode(f"events:{password}".encode()).decode()
    answer = site.http.post(
        "/api/v1/invalidate", json=event("a/one"), headers={"Authorization": f"Basic {basic}"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({}, 401, "login-required"),
        (bearer(), 403, "insufficient-scope"),
        (bearer(Permission.REFRESH), 403, "insufficient-scope"),
        ({"Authorization": "Bearer nonsense"}, 401, "authentication-failed"),
    ],
)
def test_only_who_is_permitted_may_tell(site: Site, headers: dict[str, str], status: int, slug: str) -> None:
    names(site)
    asked = len(site.store.calls)
    answer = site.http.post("/api/v1/invalidate", json=event("a/one"), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:pierhead:problem:{slug}")
    names(site)
    assert len(site.store.calls) == asked


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"{" * 1000, b'{"Records": [1]}'])
def test_what_is_no_event_is_refused(site: Site, body: bytes) -> None:
    answer = site.http.post("/api/v1/invalidate", content=body, headers=bearer(Permission.INVALIDATE))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:pierhead:problem:bad-parameter")


def test_a_body_without_an_end_is_refused(site: Site) -> None:
    body = json.dumps(event(*(f"a/{'x' * 1000}{n}" for n in range(2000)))).encode()
    answer = site.http.post("/api/v1/invalidate", content=body, headers=bearer(Permission.INVALIDATE))
    assert answer.status_code == 400
    assert "1048576 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["../x", "a//b", "/a", "a/\0b"])
def test_keys_that_no_path_leads_to_are_passed_over(site: Site, key: str) -> None:
    answer = site.http.post(
        "/api/v1/invalidate", json=event(key, "a/one"), headers=bearer(Permission.INVALIDATE)
    )
    assert answer.status_code == 200
    assert "/a/one" in answer.json()["paths"]
