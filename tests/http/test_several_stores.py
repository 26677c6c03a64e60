"""What a client and an operator see of a site with several stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.domain.access import Permission
from app.domain.errors import StoreUnavailable
from tests.support.answers import member
from tests.support.copies import Copies
from tests.support.live_server import app_for, app_over
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import client_of

DOWN = StoreUnavailable("timeout")
CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def copies() -> Copies:
    made = Copies()
    made.put("d/f.img", CONTENT)
    made.replica.presign_base = "https://other.example"
    return made


@pytest.fixture
def http(copies: Copies) -> Iterator[httpx.Client]:
    with client_of(app_over(copies.store)) as client:
        yield client


@pytest.fixture
def streaming(copies: Copies) -> Iterator[httpx.Client]:
    with client_of(app_over(copies.store, delivery="proxy")) as client:
        yield client


def test_a_page_says_which_store_it_is_from(copies: Copies, http: httpx.Client) -> None:
    assert http.get("/d/").headers["x-pierhead-store"] == "primary"
    copies.fail(DOWN)
    for target in ("/d/", "/d/?format=json", "/d/?limit=1"):
        answer = http.get(target)
        assert (answer.status_code, answer.headers["x-pierhead-store"]) == (200, "replica-1")
        assert "f.img" in answer.text


def test_a_kept_page_of_the_replica_gives_way_to_the_primary_s(copies: Copies) -> None:
    with client_of(app_over(copies.store, cache_ttl=600)) as http:
        copies.fail(DOWN)
        for _ in range(2):
            assert http.get("/d/").headers["x-pierhead-store"] == "replica-1"
        copies.fail(None)
        permission = frozenset({Permission.REFRESH})
        new = member(permissions=permission)
        http.get("/d/", headers=new | {"Cache-Control": "no-cache"})
        assert http.get("/d/").headers["x-pierhead-store"] == "primary"


def test_a_site_with_one_store_says_nothing_of_stores() -> None:
    store = MemoryStore()
    store.put("d/f.img", CONTENT)
    with client_of(app_over(store)) as http:
        for answer in (http.get("/d/"), http.head("/d/f.img")):
            assert "x-pierhead-store" not in answer.headers


def test_the_redirect_goes_to_the_store_that_has_the_file(copies: Copies, http: httpx.Client) -> None:
    for host, name in (("s3.example", "primary"), ("other.example", "replica-1")):
        answer = http.get("/d/f.img", follow_redirects=False)
        assert httpx.URL(answer.headers["location"]).host == host
        assert answer.headers["x-pierhead-store"] == name
        copies.fail(DOWN)


def test_a_download_is_whole_although_its_store_breaks_in_its_midst(
    copies: Copies, streaming: httpx.Client
) -> None:
    copies.primary.breaks_at = 300_000
    answer = streaming.get("/d/f.img")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    answer = streaming.get("/d/f.img", headers={"Range": "bytes=299000-310000"})
    assert (answer.status_code, answer.content) == (206, CONTENT[299_000:310_001])


def test_a_download_breaks_off_where_no_store_has_the_rest_of_that_very_file(
    copies: Copies, streaming: httpx.Client
) -> None:
    copies.primary.breaks_at = 300_000
    copies.replica.put("d/f.img", CONTENT[::-1])
    with pytest.raises(httpx.RemoteProtocolError):
        streaming.get("/d/f.img")


def test_where_every_store_fails_the_answer_is_clear(copies: Copies, http: httpx.Client) -> None:
    copies.fail(DOWN)
    copies.fail(DOWN, of=copies.replica)
    for target in ("/d/", "/d/f.img"):
        answer = http.get(target)
        assert (answer.status_code, answer.json()["reason"]) == (503, "timeout")
    assert http.get("/readyz").status_code == 503


def test_ready_while_any_store_is_and_says_which_is_not(copies: Copies, http: httpx.Client) -> None:
    copies.primary.fail_on("check", DOWN)
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "unreachable": ["primary"]})


def test_directories_as_copies_and_one_over_them(tmp_path: Path) -> None:
    for name in ("one", "two", "over"):
        (tmp_path / name / "d").mkdir(parents=True)
        (tmp_path / name / "d" / "who").write_text(name)
        (tmp_path / name / "d" / name).touch()
    copies = (str(tmp_path / "one"), str(tmp_path / "two"))
    with client_of(app_for(copies)) as http:
        assert http.get("/d/who").text == "one"
        calls = http.metrics()
        assert (
            'pierhead_storage_call_duration_seconds_count{operation="head",outcome="ok",store="primary"}'
            in calls
        )
        assert 'pierhead_storage_circuit_open{store="replica-1"} 0.0' in calls
        (tmp_path / "one").rename(tmp_path / "gone")
    with client_of(app_for(copies[1:], overlay=str(tmp_path / "over"))) as http:
        assert http.get("/d/?format=text").text.split() == ["over", "two", "who"]
        answer = http.get("/d/who")
        assert (answer.text, answer.headers["x-pierhead-store"]) == ("over", "overlay")
        assert http.get("/d/two").headers["x-pierhead-store"] == "primary"


@pytest.mark.parametrize(
    ("bucket", "key", "paths"),
    [
        ("in-eu", "trees/d/f", ["/d/f"]),
        ("in-asia", "d/f", ["/d/f"]),
        ("in-eu", "elsewhere/d/f", []),
        ("in-us", "d/f", []),
    ],
)
def test_events_of_any_of_the_buckets_are_heard(bucket: str, key: str, paths: list[str]) -> None:
    storage = ("s3://in-eu/trees?region=eu-west-1", "s3://in-asia")
    with client_of(app_over(MemoryStore(), storage=storage)) as http:
        permission = frozenset({Permission.INVALIDATE})
        answer = http.post(
            "/api/v1/invalidate",
            json={"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]},
            headers=member(permissions=permission),
        )
        assert answer.json() == {"paths": paths}
