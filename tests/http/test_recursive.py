"""A whole subtree as ndjson: everything the asker may see, once, or a connection that visibly breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urljoin

import httpx
import pytest

from app.domain.errors import StoreDenied, StoreUnavailable
from tests.support import raw_http
from tests.support.answers import member
from tests.support.live_server import live_server
from tests.support.site_policies import MEMBERS_AND_SHOWN
from tests.support.site_trees import MemoryTree, SiteTree, client_of
from tests.support.store_contract import ODD_NAMES
from tests.support.waiting import PATIENCE

GROUPS_ONLY = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\nAuth-Groups: staff\n"


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    for board in ("16.09", "16.12"):
        for name in ("boot.img", "MD5SUMS", "deep/er/file.txt"):
            tree.put(f"releases/{board}/{name}", b"12345")
    for name in ODD_NAMES:
        tree.put(f"odd/{name}", b"x")
    tree.put("odd folder+/100%/f")
    tree.put("members/inside/secret.txt")
    tree.put("shown/secret.txt")
    tree.put("by-control-file/BUILD-INFO.txt", GROUPS_ONLY)
    tree.put("by-control-file/secret.txt")
    tree.put("malformed/BUILD-INFO.txt", b"nonsense")
    tree.put("malformed/f")
    tree.put("releases/latest/.s3_linked_from", b"releases/16.12")
    tree.link("releases/stable", "releases/16.09")
    tree.put("top.txt", b"x")
    with client_of(tree.app(policy=MEMBERS_AND_SHOWN)) as http:
        yield http


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def urls_of(answer: httpx.Response) -> list[str]:
    return [entry["url"] for entry in lines_of(answer)]


def walk_by_hand(client: httpx.Client, folder: str) -> Iterator[dict[str, Any]]:
    """The same by one request a folder, as a script would that knew nothing of `recursive`."""
    answer = client.get(folder, params={"format": "json"})
    if answer.status_code != 200 or "content-location" in answer.headers:  # denied, or a link
        return
    for entry in sorted(answer.json()["entries"], key=lambda entry: unquote_to_bytes(entry["url"])):
        yield entry
        if entry["type"] == "folder":
            yield from walk_by_hand(client, entry["url"])


@pytest.mark.parametrize("folder", ["/", "/releases/", "/odd/", "/odd%20folder+/"])
def test_it_is_every_listing_below_in_byte_order(client: httpx.Client, folder: str) -> None:
    assert lines_of(client.get(f"{folder}?recursive=true")) == list(walk_by_hand(client, folder))


def test_private_folders_are_neither_named_nor_entered(client: httpx.Client) -> None:
    urls = urls_of(client.get("/?recursive=true"))
    assert not [url for url in urls if "secret" in url or url.startswith("/members/")]
    assert {"/shown/", "/by-control-file/", "/malformed/"} <= set(urls)


def test_members_see_what_is_theirs(client: httpx.Client) -> None:
    headers = member("staff")
    urls = urls_of(client.get("/?recursive=true", headers=headers))
    assert {"/members/inside/secret.txt", "/shown/secret.txt", "/by-control-file/secret.txt"} <= set(urls)


def test_links_are_named_but_not_followed(client: httpx.Client) -> None:
    urls = urls_of(client.get("/releases/?recursive=true"))
    assert {"/releases/latest/", "/releases/stable/"} <= set(urls)
    assert not [
        url for url in urls if url.startswith(("/releases/latest/", "/releases/stable/")) and url[-1] != "/"
    ]
    assert len(urls) == len(set(urls))


@pytest.mark.parametrize("limit", [1, 3, 10, 1000])
def test_pages_by_link_are_the_whole_subtree_once(client: httpx.Client, limit: int) -> None:
    whole = urls_of(client.get("/?recursive=true"))
    seen: list[str] = []
    url = f"/?recursive=true&limit={limit}"
    while url:
        answer = client.get(url)
        page = urls_of(answer)
        assert 0 < len(page) <= limit
        seen += page
        following = answer.links.get("next")
        url = urljoin("/", following["url"]) if following else ""
    assert seen == whole


def test_it_resumes_behind_every_place(client: httpx.Client) -> None:
    whole = urls_of(client.get("/?recursive=true"))
    for done, url in enumerate(whole, start=1):
        query = {"recursive": "true", "after": unquote(url.removeprefix("/"))}
        assert urls_of(client.get("/", params=query)) == whole[done:]


def test_it_resumes_behind_what_is_gone(client: httpx.Client) -> None:
    urls = urls_of(client.get("/?recursive=true&after=releases/16.09/gone.txt"))
    assert "/releases/16.09/boot.img" not in urls
    assert "/releases/16.12/boot.img" in urls
    gone_folder = urls_of(client.get("/?recursive=true&after=releases/16.10/a/b.txt"))
    assert gone_folder[0] == "/releases/16.12/"


def test_resuming_inside_a_private_folder_tells_nothing_of_it(client: httpx.Client) -> None:
    urls = urls_of(client.get("/?recursive=true&after=members/a"))
    assert not [url for url in urls if "secret" in url or "members" in url]


@pytest.mark.parametrize("query", ["recursive=yes", "recursive=true&format=json", "recursive=true&limit=0"])
def test_what_it_cannot_do_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"/?{query}").status_code == 400


@pytest.mark.parametrize("after", ["", "..", "a//b", "%00"])
def test_what_is_no_place_is_refused(client: httpx.Client, after: str) -> None:
    assert client.get(f"/?recursive=true&after={after}").status_code == 400


@pytest.mark.parametrize("query", ["recursive=true", "recursive=true&limit=2"])
def test_head_has_the_headers_and_no_body(client: httpx.Client, query: str) -> None:
    got, head = client.get(f"/?{query}"), client.head(f"/?{query}")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "vary", "cache-control", "link"):
        assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(
    ("path", "status"), [("/members/", 401), ("/by-control-file/", 401), ("/malformed/", 403), ("/no/", 404)]
)
def test_what_cannot_be_listed_cannot_be_walked(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(f"{path}?recursive=true").status_code == status


def test_an_empty_folder_is_an_empty_list(memory: MemoryTree) -> None:
    memory.put("empty/")
    with client_of(memory.app()) as http:
        assert lines_of(http.get("/empty/?recursive=true")) == []


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("walk a/6998", StoreUnavailable("timeout")),
        ("walk a/6998", StoreDenied()),
        ("get b/BUILD-INFO.txt", StoreUnavailable("timeout")),
    ],
)
@pytest.mark.parametrize("url", ["/?recursive=true", "/api/v1/manifest/"])
def test_a_store_that_fails_midway_breaks_the_connection(
    memory: MemoryTree, error: Exception, operation: str, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for n in range(9000):
        memory.put(f"a/{n:04}")
    memory.put("b/0")
    memory.put("b/BUILD-INFO.txt", GROUPS_ONLY)
    name, _, path = operation.partition(" ")
    memory.store.fail_on(name, error, path=path)
    with live_server(memory.app(log_level="info", replica_id="breaks")) as server:
        answer = raw_http.ask(server.port, raw_http.request(b"GET", url.encode()))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{server.url}{url}", timeout=PATIENCE)
    assert (answer.status, answer.headers["transfer-encoding"]) == (200, "chunked")
    assert not answer.body.endswith(b"0\r\n\r\n")
    assert b"/a/0" in answer.body
    assert b"/b/0" not in answer.body
    # The server of other tests of this file may still have lines to write.
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"breaks"' in line]
    assert [line["broken"] for line in logged if line["event"] == "request"] == [str(error)] * 2


def test_a_store_that_fails_before_the_first_line_is_an_error_of_its_own(memory: MemoryTree) -> None:
    memory.put("a/f")
    for operation in ("walk", "list"):
        memory.store.fail_on(operation, StoreUnavailable("timeout"))
        with client_of(memory.app()) as http:
            answer = http.get("/?recursive=true")
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def test_a_store_that_fails_within_a_page_is_an_error_of_its_own(memory: MemoryTree) -> None:
    memory.put("a/f")
    memory.put("b/BUILD-INFO.txt", GROUPS_ONLY)
    memory.store.fail_on("get", StoreUnavailable("timeout"))
    with client_of(memory.app()) as http:
        assert http.get("/?recursive=true&limit=100").status_code == 503


@pytest.fixture
def partly_closed(memory: MemoryTree) -> MemoryTree:
    """A tree in which the rules of two folders cannot be read, one of them private."""
    for path in ("a/x", "closed/deep/er/f", "private/f", "z"):
        memory.put(path)
    memory.store.skip("closed/", "BUILD-INFO.txt")
    memory.store.skip("private/", "BUILD-INFO.txt")
    return memory


PRIVATE = '[[rule]]\npath = "private"\ntier = "private"\ngroups = ["staff"]\n'


@pytest.mark.parametrize("query", ["", "&digests=true", "&limit=100"])
def test_a_folder_whose_rules_cannot_be_read_is_left_out_and_said_to_be(
    partly_closed: MemoryTree, query: str
) -> None:
    with client_of(partly_closed.app(policy=PRIVATE)) as http:
        *entries, end = lines_of(http.get(f"/?recursive=true{query}"))
        *_, end_for_members = lines_of(http.get("/?recursive=true", headers=member("staff")))
        assert http.get("/closed/?recursive=true").status_code == 503
    assert [(entry["url"], entry["access"]) for entry in entries] == [
        ("/a/", "public"),
        ("/a/x", "public"),
        ("/closed/", "closed"),
        ("/z", "public"),
    ]
    assert end == {"left_out": 1}
    assert end_for_members == {"left_out": 2}


def test_each_page_says_what_it_leaves_out(partly_closed: MemoryTree) -> None:
    with client_of(partly_closed.app(policy=PRIVATE)) as http:
        pages = []
        url = "/?recursive=true&limit=2"
        while url:
            answer = http.get(url)
            pages.append([line.get("url", line.get("left_out")) for line in lines_of(answer)])
            url = urljoin("/", answer.links["next"]["url"]) if "next" in answer.links else ""
    assert pages == [["/a/", "/a/x"], ["/closed/", "/z", 1]]


def test_checksums_say_what_they_leave_out(partly_closed: MemoryTree) -> None:
    with client_of(partly_closed.app(policy=PRIVATE)) as http:
        text = http.get("/api/v1/manifest/?format=text").text
    assert text.splitlines() == [
        "# no checksum is stored: a/x",
        "# closed, its rules cannot be read: closed/",
        "# no checksum is stored: z",
        "2 files and 1 folder are not in this list, see the comments",
    ]


def test_rules_that_can_be_read_again_close_nothing(partly_closed: MemoryTree) -> None:
    partly_closed.store.skip("closed/")
    with client_of(partly_closed.app(policy=PRIVATE)) as http:
        lines = lines_of(http.get("/?recursive=true"))
    assert "/closed/deep/er/f" in [line["url"] for line in lines]
