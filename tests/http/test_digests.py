"""Digests that are stored with a file: shown on every answer that is about it, and never computed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import httpx
import pytest

from app.domain.entries import Digest
from tests.support.live_server import app_over
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import client_of

CONTENT = b"0123456789"
SHA256 = hashlib.sha256(CONTENT).digest()
SHOWN = {
    "repr-digest": f"sha-256=:{base64.b64encode(SHA256).decode()}:, crc32c=:AAECAw==:",
    "x-checksum-sha256": SHA256.hex(),
}


def client_over(presign_base: str | None) -> Iterator[httpx.Client]:
    store = MemoryStore(presign_base=presign_base)
    store.put("f", CONTENT, digests=(Digest("sha-256", SHA256), Digest("crc32c", b"\0\1\2\3")))
    store.put("none", CONTENT)
    app = app_over(store, storage="s3://bucket", cache_ttl=60, cache_grace=60, cache_max_stale=600)
    with client_of(app) as client:
        yield client


@pytest.fixture
def streaming() -> Iterator[httpx.Client]:
    yield from client_over(None)


@pytest.fixture
def redirecting() -> Iterator[httpx.Client]:
    yield from client_over("https://s3.example")


def shown(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name in SHOWN}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=2-3"}, 206),
        ("GET", {"Range": "bytes=0-0,5-5"}, 206),
    ],
)
def test_they_are_of_the_whole_file_on_every_part_of_it(
    streaming: httpx.Client, method: str, headers: dict[str, str], status: int
) -> None:
    answer = streaming.request(method, "/f", headers=headers)
    assert (answer.status_code, shown(answer)) == (status, SHOWN)


def test_a_redirect_tells_them_each_time(redirecting: httpx.Client) -> None:
    for _ in range(3):
        answer = redirecting.get("/f", follow_redirects=False)
        assert (answer.status_code, shown(answer)) == (302, SHOWN)


def test_answers_that_are_about_no_file_tell_none(streaming: httpx.Client) -> None:
    for headers, status in (
        ({"Range": "bytes=10-"}, 416),
        ({"If-None-Match": "*"}, 304),
        ({"If-Match": '"other"'}, 412),
    ):
        answer = streaming.get("/f", headers=headers)
        assert (answer.status_code, shown(answer)) == (status, {})


def test_a_file_without_any_is_shown_without(streaming: httpx.Client, redirecting: httpx.Client) -> None:
    assert shown(streaming.get("/none")) == {}
    assert shown(redirecting.get("/none", follow_redirects=False)) == {}


def test_listings_have_the_e_tag_of_each_file(streaming: httpx.Client) -> None:
    entries = streaming.get("/", headers={"Accept": "application/json"}).json()["entries"]
    assert {entry["name"]: f'"{entry["e_tag"]}"' for entry in entries} == {
        name: streaming.head(f"/{name}").headers["etag"] for name in ("f", "none")
    }
