"""Digests that files say of others beside them: in listings, manifests and header fields, by the rules of both files."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator

import httpx
import pytest

from app.domain.entries import Digest
from app.domain.errors import StoreUnavailable
from app.responses.listed_digests import MAX_CHECKSUM_BYTES, MAX_CHECKSUM_FILES
from tests.support.answers import all_of, member
from tests.support.served_store import Site
from tests.support.site_trees import DirectoryTree, MemoryTree, SiteTree, client_of

SHOWN = ("repr-digest", "x-checksum-sha256", "x-pierhead-digest-source")
POLICY = """
[[rule]]
path = "secret-sums/SHA256SUMS"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "secret-file/a"
tier = "private"
groups = ["staff"]
visibility = "listed"

[[rule]]
path = "licensed/SHA256SUMS"
tier = "eula"
licence_text = "The terms."
"""


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def plant(tree: SiteTree) -> None:
    for folder in ("d", "secret-sums", "secret-file", "licensed"):
        tree.put(f"{folder}/a", b"A")
        tree.put(f"{folder}/SHA256SUMS", f"{sha(b'A')}  a\n{sha(b'x')}  gone\n".encode())
    tree.put("d/b", b"B")
    tree.put("d/b.sha256", sha(b"B").encode())
    tree.put("d/c", b"C")
    tree.put("bare/f", b"F")


@pytest.fixture(scope="module", params=["memory", "directory"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    tree = MemoryTree() if request.param == "memory" else DirectoryTree(tmp_path_factory.mktemp("tree"))
    plant(tree)
    with client_of(tree.app(policy=POLICY, cache_ttl=600)) as client:
        yield client


def fields(content: bytes, source: str) -> tuple[str, ...]:
    value = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return f"sha-256=:{value}:", sha(content), source


def shown(answer: httpx.Response) -> tuple[str, ...]:
    return tuple(answer.headers[name] for name in SHOWN if name in answer.headers)


def listed(client: httpx.Client, folder: str, **headers: str) -> dict[str, tuple[object, object]]:
    entries = client.get(f"{folder}?format=json", headers=headers).json()["entries"]
    lines = [
        json.loads(line) for line in client.get(f"{folder}?format=ndjson", headers=headers).text.splitlines()
    ]
    assert lines == entries
    return {one["name"]: (one["digests"], one["digests_from"]) for one in entries if "digests" in one}


def of_sums(content: bytes, source: str) -> tuple[object, object]:
    return {"sha-256": sha(content)}, {"sha-256": source}


def test_listings_say_them_and_where_they_are_from(client: httpx.Client) -> None:
    for _ in range(2):
        assert listed(client, "/d/") == {
            "a": of_sums(b"A", "SHA256SUMS"),
            "b": of_sums(b"B", "b.sha256"),
        }
    assert listed(client, "/bare/") == {}


def test_so_do_the_header_fields_of_files_each_time_in_the_same_way(client: httpx.Client) -> None:
    for method, headers, status in (
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=0-0"}, 206),
    ):
        for path, said in (
            ("/d/a", fields(b"A", "SHA256SUMS")),
            ("/d/b", fields(b"B", "b.sha256")),
            ("/d/c", ()),
        ):
            answer = client.request(method, path, headers=headers)
            assert (answer.status_code, shown(answer)) == (status, said)
    assert all_of(client.get("/d/a")) == all_of(client.get("/d/a"))


def test_so_do_manifests(client: httpx.Client) -> None:
    lines = client.get("/api/v1/manifest/d/?digests=true").text.splitlines()
    assert client.get("/d/?recursive=true&digests=true").text.splitlines() == lines
    found = {line["name"]: line for line in map(json.loads, lines)}
    assert (found["a"]["digests"], found["a"]["digests_from"]) == of_sums(b"A", "SHA256SUMS")
    assert found["c"]["digests"] == {}
    text = client.get("/api/v1/manifest/d/?format=text").text
    assert f"# from SHA256SUMS\n{sha(b'A')}  a\n# from b.sha256\n{sha(b'B')}  b\n" in text
    assert "no checksum is stored: c" in text


def test_a_checksum_file_that_somebody_may_not_have_says_nothing_to_them(client: httpx.Client) -> None:
    staff = member("staff")
    for _ in range(2):
        assert listed(client, "/secret-sums/") == {}
        assert shown(client.get("/secret-sums/a")) == ()
        assert listed(client, "/secret-sums/", **staff) == {"a": of_sums(b"A", "SHA256SUMS")}
        assert shown(client.get("/secret-sums/a", headers=staff)) == fields(b"A", "SHA256SUMS")
    assert "digests_from" not in client.get("/api/v1/manifest/secret-sums/?digests=true").text


def test_nothing_is_said_of_a_file_that_somebody_may_not_have(client: httpx.Client) -> None:
    for _ in range(2):
        assert listed(client, "/secret-file/") == {}
        assert listed(client, "/secret-file/", **member("staff")) == {"a": of_sums(b"A", "SHA256SUMS")}


def test_what_is_behind_a_licence_says_nothing_on_pages_that_others_get_too(client: httpx.Client) -> None:
    digest = client.get("/licensed/?format=json").json()["entries"][0]["licences"]
    accepted = {
        "License-Accepted": client.get("/api/license/licensed/SHA256SUMS").json()["licenses"][0]["digest"]
    }
    assert digest is not None
    assert client.get("/licensed/SHA256SUMS", headers=accepted).status_code == 200
    assert listed(client, "/licensed/", **accepted) == {}
    assert listed(client, "/licensed/") == {}


def test_those_that_are_stored_with_a_file_come_first() -> None:
    tree = MemoryTree()
    stored = Digest("sha-256", hashlib.sha256(b"stored").digest())
    tree.put("d/a", b"A", digests=(stored,))
    tree.put("d/SHA256SUMS", f"{sha(b'A')}  a\n".encode())
    tree.put("d/MD5SUMS", b"0" * 32 + b"  a\n")
    with client_of(tree.app()) as client:
        repr_digest, checksum, source = shown(client.get("/d/a"))
        assert (checksum, source) == (sha(b"stored"), "MD5SUMS")
        assert repr_digest.startswith("sha-256=:")
        assert "md5=:AAAA" in repr_digest


def test_redirects_say_them_each_time() -> None:
    tree = MemoryTree(presign_base="https://s3.example")
    plant(tree)
    with client_of(tree.app(storage="s3://bucket", cache_ttl=600)) as client:
        for _ in range(3):
            answer = client.get("/d/a")
            assert (answer.status_code, shown(answer)) == (302, fields(b"A", "SHA256SUMS"))


def test_they_are_read_once_for_a_folder(site: Site) -> None:
    plant_in_store(site)
    site.http.get("/d/?format=json")
    for url in ("/d/?format=ndjson", "/d/?format=json"):
        assert [call for call in site.calls("GET", url, 200) if call.operation != "list"] == []
    assert [call.path for call in site.calls("GET", "/d/c", 200) if call.operation == "get"] == ["d/c"]


def test_a_new_list_counts_at_once() -> None:
    tree = MemoryTree()
    plant(tree)
    with client_of(tree.app(cache_ttl=0)) as client:
        assert shown(client.get("/d/a")) == fields(b"A", "SHA256SUMS")
        tree.put("d/SHA256SUMS", f"{sha(b'other')}  a\n".encode())
        assert shown(client.get("/d/a")) == fields(b"other", "SHA256SUMS")


def test_a_list_that_cannot_be_read_closes_nothing_and_is_tried_again(site: Site) -> None:
    site.store.put("failing/a", b"A")
    site.store.put("failing/SHA256SUMS", f"{sha(b'A')}  a\n".encode())
    site.store.fail_on("get", StoreUnavailable("timeout"), path="failing/SHA256SUMS")
    for _ in range(2):
        assert listed(site.http, "/failing/") == {}
        assert shown(site.http.get("/failing/a")) == ()
    site.store.fail_on("get", None, path="failing/SHA256SUMS")
    assert listed(site.http, "/failing/") == {"a": of_sums(b"A", "SHA256SUMS")}
    assert shown(site.http.get("/failing/a")) == fields(b"A", "SHA256SUMS")


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 500, b"x" * (MAX_CHECKSUM_BYTES + 1)])
def test_a_list_that_is_none_says_nothing(content: bytes) -> None:
    tree = MemoryTree()
    tree.put("d/a", b"A")
    tree.put("d/SHA256SUMS", content)
    with client_of(tree.app()) as client:
        assert listed(client, "/d/") == {}
        assert client.get("/d/a").status_code == 200


def test_only_so_many_are_read(site: Site) -> None:
    for number in range(MAX_CHECKSUM_FILES + 10):
        site.store.put(f"d/{number}", b"A")
        site.store.put(f"d/{number}.sha256", sha(b"A").encode())
    calls = site.calls("GET", "/d/?format=json", 200)
    assert len([call for call in calls if call.operation == "get"]) == MAX_CHECKSUM_FILES
    assert len(listed(site.http, "/d/")) == MAX_CHECKSUM_FILES


def test_a_list_of_all_spares_the_files_about_one(site: Site) -> None:
    site.store.put("d/a", b"A")
    site.store.put("d/a.sha256", sha(b"A").encode())
    site.store.put("d/SHA256SUMS", f"{sha(b'A')}  a\n".encode())
    calls = site.calls("GET", "/d/?format=json", 200)
    assert [call.path for call in calls if call.operation == "get"] == ["d/SHA256SUMS"]


def plant_in_store(site: Site) -> None:
    tree = MemoryTree()
    tree.store = site.store
    plant(tree)
