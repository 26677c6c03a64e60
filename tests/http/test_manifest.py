"""`/api/v1/manifest/`: the same entries as `?recursive=true`, in pages that can be asked about, or as checksums."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from app.domain.entries import Digest, Found
from app.domain.errors import StoreUnavailable
from tests.support import raw_http
from tests.support.answers import member
from tests.support.live_server import live_server
from tests.support.site_policies import MEMBERS_AND_SHOWN
from tests.support.site_trees import MemoryTree, client_of

MANIFEST = "/api/v1/manifest"
LICENCE = b"the text"
FILES = ["a/1.img", "a/b/2.img", "a/back\\slash", "z"]


def digest_of(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()


@pytest.fixture(scope="module")
def tree() -> MemoryTree:
    tree = MemoryTree()
    for path in [*FILES, "members/secret", "shown/secret", "licensed/x", "closed/x", "latest/more"]:
        tree.put(path, path.encode(), digests=(Digest("sha-256", bytes.fromhex(digest_of(path))),))
    tree.put("licensed/EULA.txt", LICENCE)
    tree.put("closed/BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: y\nLicense-Type: open\n")
    tree.put("latest/.s3_linked_from", b"a")
    tree.put("bare/without", b"x")
    return tree


@pytest.fixture(scope="module")
def client(tree: MemoryTree) -> Iterator[httpx.Client]:
    with client_of(tree.app(policy=MEMBERS_AND_SHOWN)) as http:
        yield http


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@pytest.mark.parametrize("folder", ["/", "/a/", "/a/b/", "/licensed/"])
def test_it_is_what_recursive_gives(client: httpx.Client, folder: str) -> None:
    answer = client.get(MANIFEST + folder)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == client.get(f"{folder}?recursive=true").text != ""
    assert client.get(f"{MANIFEST}{folder}?format=ndjson").text == answer.text


@pytest.mark.parametrize("path", ["", "/a"])
def test_a_folder_may_be_named_without_its_slash(client: httpx.Client, path: str) -> None:
    assert client.get(MANIFEST + path).text == client.get(f"{MANIFEST}{path}/").text


def test_members_get_what_is_theirs(client: httpx.Client) -> None:
    headers = member("staff")
    answer = client.get(MANIFEST + "/", headers=headers)
    assert "/members/secret" in answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    assert "secret" not in client.get(MANIFEST + "/").text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/members/", (401, "login-required")),
        ("/nowhere/", (404, "not-found")),
        ("/z/", (404, "not-found")),
        ("/a//nowhere", (404, "not-found")),
        ("/?format=html", (400, "bad-parameter")),
        ("/?limit=0", (400, "bad-parameter")),
        ("/?digests=yes", (400, "bad-parameter")),
        ("/?limt=1", (400, "bad-parameter")),
        ("/?q=*.img", (400, "bad-parameter")),
        ("/?sort=size", (400, "bad-parameter")),
        ("/?after=../x", (400, "bad-parameter")),
    ],
)
def test_what_cannot_be_listed_is_a_problem(
    client: httpx.Client, path: str, expected: tuple[int, str]
) -> None:
    assert problem(client.get(MANIFEST + path)) == expected


def test_a_link_leads_to_the_manifest_of_its_target(client: httpx.Client) -> None:
    answer = client.get(f"{MANIFEST}/latest/?limit=3")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{MANIFEST}/a/?limit=3")


@pytest.mark.parametrize("form", ["ndjson", "text"])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_pages_by_link_are_the_whole_once(client: httpx.Client, form: str, limit: int) -> None:
    whole = client.get(f"{MANIFEST}/a/?format={form}").text
    pages, url = "", f"{MANIFEST}/a/?format={form}&limit={limit}"
    while url:
        answer = client.get(url)
        pages += answer.text
        following = answer.links.get("next")
        url = urljoin(url, following["url"]) if following else ""
    assert pages == whole


def test_a_page_that_the_client_has_is_304(client: httpx.Client) -> None:
    for url in (f"{MANIFEST}/a/?limit=2", f"{MANIFEST}/a/?limit=100", "/a/?recursive=true&limit=2"):
        answer = client.get(url)
        again = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers.get("link") == answer.headers.get("link")
        assert again.headers["x-pierhead-as-of"]


def test_a_page_is_another_one_once_there_is_a_next(memory: MemoryTree) -> None:
    memory.put("d/a")
    with client_of(memory.app()) as http:
        last = http.get(f"{MANIFEST}/d/?limit=1")
        memory.put("d/b")
        followed = http.get(f"{MANIFEST}/d/?limit=1", headers={"If-None-Match": last.headers["etag"]})
    assert (followed.status_code, followed.text) == (200, last.text)
    assert "next" in followed.links


def test_a_stream_has_no_validator(client: httpx.Client) -> None:
    assert "etag" not in client.get(MANIFEST + "/").headers


def second_now() -> str:
    """Return this second, by the clock the server reads: `gmtime()` alone reads one that is some milliseconds late."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time()))


def test_the_time_is_that_at_which_it_began(memory: MemoryTree) -> None:
    memory.put("d/a")
    with client_of(memory.app()) as http:
        before = second_now()
        for url in (MANIFEST + "/", MANIFEST + "/?limit=1", "/?recursive=true"):
            as_of = http.get(url).headers["x-pierhead-as-of"]
            assert before <= as_of <= second_now()


@pytest.mark.parametrize("query", ["", "?limit=2", "?format=text", "?format=text&limit=2"])
def test_head_has_the_headers_and_walks_no_further(memory: MemoryTree, query: str) -> None:
    for number in range(500):
        memory.put(f"{number:03}/f")
    memory.store.page_entries = 10
    url = f"{MANIFEST}/{query}"
    with client_of(memory.app()) as http:
        got = http.get(url)
        memory.store.calls.clear()
        head = http.head(url)
        pages = [call for call in memory.store.calls if call.operation == "walk"]
    assert (head.status_code, head.content) == (200, b"")
    assert len(pages) < 10
    for name in ("content-type", "vary", "cache-control", "link", "etag"):
        assert head.headers.get(name) == got.headers.get(name)


def test_http_1_0_is_refused(client: httpx.Client, tree: MemoryTree) -> None:
    with live_server(tree.app()) as server:
        answer = raw_http.ask(server.port, b"GET /api/v1/manifest/ HTTP/1.0\r\nHost: h\r\n\r\n")
    assert answer.status == 400


class TestDigests:
    def test_lines_have_what_is_stored_with_each_file_that_is_open(self, client: httpx.Client) -> None:
        answer = client.get(f"{MANIFEST}/?digests=true")
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in answer.text.splitlines()]
        plain = [json.loads(line) for line in client.get(f"{MANIFEST}/").text.splitlines()]
        assert [{k: v for k, v in line.items() if k != "digests"} for line in lines] == plain
        digests = {line["url"]: line.get("digests") for line in lines}
        assert digests["/z"] == {"sha-256": digest_of("z")}
        assert digests["/bare/without"] == {}
        assert digests["/licensed/x"] is digests["/closed/x"] is digests["/a/"] is None

    def test_pages_lead_to_pages_with_digests(self, client: httpx.Client) -> None:
        answer = client.get(f"{MANIFEST}/?digests=true&limit=1")
        assert "digests=true" in answer.links["next"]["url"]

    def test_a_file_that_was_replaced_since_it_was_listed_has_none(
        self, memory: MemoryTree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digests = (Digest("sha-256", bytes.fromhex(digest_of("f"))),)
        memory.put("f", b"as listed", digests=digests)
        listed = memory.store.walk

        async def walk(*args: Any) -> AsyncGenerator[Sequence[Found], None]:
            async for page in listed(*args):
                memory.put("f", b"another", digests=digests)
                yield page

        monkeypatch.setattr(memory.store, "walk", walk)
        with client_of(memory.app()) as http:
            assert json.loads(http.get(f"{MANIFEST}/?digests=true").text)["digests"] == {}


class TestChecksums:
    def test_each_file_has_the_line_that_sha256sum_reads(self, client: httpx.Client) -> None:
        answer = client.get(f"{MANIFEST}/?format=text")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.splitlines() == [
            f"{digest_of('a/1.img')}  a/1.img",
            f"{digest_of('a/b/2.img')}  a/b/2.img",
            f"\\{digest_of(FILES[2])}  a/back\\\\slash",
            "# no checksum is stored: bare/without",
            "# not open to you: closed/x",
            "# not open to you: licensed/x",
            f"{digest_of('z')}  z",
            "3 files are not in this list, see the comments",
        ]

    def test_a_file_called_dash_is_not_taken_for_the_standard_input(self, memory: MemoryTree) -> None:
        memory.put("d/-", b"x", digests=(Digest("sha-256", bytes.fromhex(digest_of("x"))),))
        with client_of(memory.app()) as http:
            assert http.get(f"{MANIFEST}/d/?format=text").text == f"{digest_of('x')}  ./-\n"

    def test_paths_are_below_the_folder(self, client: httpx.Client) -> None:
        assert client.get(f"{MANIFEST}/a/b/?format=text").text == f"{digest_of('a/b/2.img')}  2.img\n"

    def test_one_file_that_is_left_out_is_one_file(self, client: httpx.Client) -> None:
        assert client.get(f"{MANIFEST}/bare/?format=text").text == (
            "# no checksum is stored: without\n1 file is not in this list, see the comments\n"
        )

    def test_an_accepted_licence_opens_the_checksum(self, client: httpx.Client) -> None:
        accepted = hashlib.md5(LICENCE).hexdigest()
        answer = client.get(f"{MANIFEST}/licensed/?format=text", headers={"License-Accepted": accepted})
        assert answer.text == f"{digest_of('licensed/x')}  x\n"

    def test_the_store_is_not_asked_about_what_is_not_open(self, memory: MemoryTree) -> None:
        memory.put("licensed/x")
        memory.put("licensed/EULA.txt", LICENCE)
        memory.put("shown/secret")
        with client_of(memory.app(policy=MEMBERS_AND_SHOWN)) as http:
            text = http.get(f"{MANIFEST}/?format=text").text
        assert "secret" not in text
        assert not [call for call in memory.store.calls if call.operation == "head"]

    def test_a_store_that_fails_breaks_the_list(self, memory: MemoryTree) -> None:
        for number in range(40):
            memory.put(f"{number:02}")
        memory.store.fail_on("head", StoreUnavailable("timeout"), path="39")
        with client_of(memory.app()) as http:
            with pytest.raises(httpx.RemoteProtocolError):
                http.get(f"{MANIFEST}/?format=text")
            assert http.get(f"{MANIFEST}/?format=text&limit=100").status_code == 503
            assert http.get(f"{MANIFEST}/?format=text&limit=10").status_code == 200
