"""What caches and clients may keep of a listing, and how it is compressed."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

import brotli
import httpx
import pytest
from backports import zstd

from tests.support.answers import member
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import MemoryTree, client_of

FORMATS = ("html", "json", "ndjson", "text")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    for n in range(300):
        tree.put(f"many/build-{n}.img", b"x")
    tree.put("few/f")
    tree.put("members/f")
    with client_of(tree.app(policy=MEMBERS), headers={"Accept-Encoding": "identity"}) as http:
        yield http


@pytest.mark.parametrize("name", FORMATS)
def test_a_listing_the_client_has_is_304(client: httpx.Client, name: str) -> None:
    first = client.get(f"/many/?format={name}")
    e_tag = first.headers["etag"]
    assert e_tag.startswith('"')
    for field in (e_tag, f'"other", {e_tag}', f"W/{e_tag}", "*"):
        again = client.get(f"/many/?format={name}", headers={"If-None-Match": field})
        assert (again.status_code, again.content) == (304, b"")
        for kept in ("etag", "vary", "cache-control"):
            assert again.headers[kept] == first.headers[kept]
    assert client.head(f"/many/?format={name}", headers={"If-None-Match": e_tag}).status_code == 304
    assert client.get(f"/many/?format={name}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_changes_the_tag(memory: MemoryTree) -> None:
    memory.put("d/a")
    with client_of(memory.app()) as http:
        before = http.get("/d/").headers["etag"]
        assert http.get("/d/").headers["etag"] == before
        memory.put("d/b")
        answer = http.get("/d/", headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["etag"] != before


def test_a_time_says_nothing_about_a_listing(client: httpx.Client) -> None:
    later = {"If-Modified-Since": "Fri, 31 Dec 2049 00:00:00 GMT"}
    answer = client.get("/many/", headers=later)
    assert answer.status_code == 200
    assert "last-modified" not in answer.headers


def test_each_representation_has_a_tag_of_its_own(client: httpx.Client) -> None:
    tags = {client.get(f"/many/?format={name}").headers["etag"] for name in FORMATS}
    assert len(tags) == len(FORMATS)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda raw: zstd.decompress(raw),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("br", "br"),
        ("deflate, gzip, br", "br"),
        ("deflate, gzip, br, zstd", "zstd"),
        ("gzip, br;q=0.5", "gzip"),
        ("*", "zstd"),
    ],
)
def test_a_compressed_listing_is_the_same_listing(
    client: httpx.Client, name: str, accepted: str, encoding: str
) -> None:
    plain = client.get(f"/many/?format={name}")
    assert "content-encoding" not in plain.headers
    headers = {"Accept-Encoding": accepted}
    with client.stream("GET", f"/many/?format={name}", headers=headers) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == encoding
    assert int(answer.headers["content-length"]) == len(raw) < len(plain.content)
    assert DECODERS[encoding](raw) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]
    again = client.get(f"/many/?format={name}", headers=headers | {"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "deflate", "gzip;q=0.1, identity"])
def test_who_likes_no_compression_is_sent_none(client: httpx.Client, accepted: str) -> None:
    answer = client.get("/many/", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers


def test_a_listing_of_a_few_bytes_is_not_compressed(client: httpx.Client) -> None:
    answer = client.get("/few/?format=text", headers={"Accept-Encoding": "gzip"})
    assert ("content-encoding" not in answer.headers, answer.text) == (True, "f\n")


@pytest.mark.parametrize("path", ["/many/", "/few/?format=text", "/api/ls/many/"])
def test_every_listing_says_what_it_depends_on(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert set(answer.headers["vary"].split(", ")) >= {
        "Accept", "Accept-Encoding", "Authorization", "Cookie",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/many/", "/members/", "/", "/api/ls/", "/members/?recursive=true"])
def test_what_a_member_is_shown_is_kept_by_nobody(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers=member("staff"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"


def test_what_a_trusted_network_is_shown_is_kept_by_nobody(memory: MemoryTree) -> None:
    memory.put("d/f")
    with client_of(memory.app(trusted_networks=("127.0.0.0/8",))) as http:
        assert http.get("/d/").headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/members/", "/nothing/", "/many/?limit=0"])
def test_no_error_is_kept_by_anybody(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["cache-control"] == "no-store"
