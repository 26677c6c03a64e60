"""A file, whole: its bytes, and what its headers say of it (RFC 9110 section 8)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote

import httpx
import pytest

from app.domain.errors import ObjectChanged, StoreDenied, StoreUnavailable
from tests.support.answers import member
from tests.support.live_server import app_over
from tests.support.site_trees import DirectoryTree, MemoryTree, SiteTree, client_of
from tests.support.store_contract import ODD_NAMES

SEPTEMBER = 1475236800.0
CONTENT = bytes(range(256)) * 4096  # 1 MiB
EULA = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\nLicense-Text: Be nice.\n"


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("pub/file.bin", CONTENT, modified=SEPTEMBER)
    tree.put("pub/empty.txt", b"", modified=SEPTEMBER)
    tree.put("pub/logs.tar.gz", b"\x1f\x8b", modified=SEPTEMBER)
    tree.put("pub/page.html", b"<script>alert(1)</script>")
    tree.put("eula/BUILD-INFO.txt", EULA)
    tree.put("eula/x.img", b"x")
    for name in ODD_NAMES:
        tree.put(f"odd/{name}", name.encode())
    with client_of(tree.app()) as http:
        yield http


def test_a_file_comes_whole_with_everything_said_of_it(client: httpx.Client) -> None:
    answer = client.get("/pub/file.bin")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    headers = answer.headers
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == 'attachment; filename="file.bin"'
    assert headers["last-modified"] == "Fri, 30 Sep 2016 12:00:00 GMT"
    assert headers["etag"].startswith('"')
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert "transfer-encoding" not in headers
    assert parsedate_to_datetime(headers["date"]).timestamp() == pytest.approx(time.time(), abs=5)


def test_an_empty_file_has_an_empty_body_and_says_so(client: httpx.Client) -> None:
    answer = client.get("/pub/empty.txt")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("logs.tar.gz", "application/x-tar"),
        ("empty.txt", "text/plain; charset=utf-8"),
        ("file.bin", "application/octet-stream"),
    ],
)
def test_the_type_goes_by_the_name_and_nothing_is_encoded_again(
    client: httpx.Client, name: str, media_type: str
) -> None:
    answer = client.get(f"/pub/{name}", headers={"Accept-Encoding": "gzip, br, zstd"})
    assert answer.headers["content-type"] == media_type
    assert "content-encoding" not in answer.headers


def test_a_page_among_the_files_is_saved_and_can_run_nothing(client: httpx.Client) -> None:
    answer = client.get("/pub/page.html")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/pub/file.bin", "/pub/empty.txt", "/odd/a%20b"])
def test_head_has_the_headers_of_get(client: httpx.Client, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) | {"date": ""} == dict(got.headers) | {"date": ""}


def test_head_of_what_is_refused_has_the_headers_of_get(client: httpx.Client) -> None:
    for path in ("/eula/x.img", "/pub/nothing"):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_every_name_is_reached_by_its_encoded_url_and_saved_under_it(client: httpx.Client, name: str) -> None:
    for url in (f"/odd/{quote(name, safe='')}", "/odd/" + "".join(f"%{b:02x}" for b in name.encode())):
        answer = client.get(url)
        assert (answer.status_code, answer.content) == (200, name.encode())
    assert saved_as(answer.headers["content-disposition"]) == name


def saved_as(disposition: str) -> str:
    """The name that a client takes from Content-Disposition (RFC 6266 section 4.3)."""
    assert disposition.isascii()
    _, _, extended = disposition.partition("filename*=UTF-8''")
    return unquote(extended) if extended else disposition.partition('filename="')[2].removesuffix('"')


@pytest.mark.parametrize("raw", [b"not-\xff-text", b"\xe9", b"ok-\xed\xa0\x80"])
def test_a_name_that_is_not_text_is_listed_and_served_by_its_bytes(
    directory: DirectoryTree, raw: bytes
) -> None:
    (directory.root / "d").mkdir()
    (directory.root / "d" / raw.decode("utf-8", "surrogateescape")).write_bytes(raw)
    with client_of(directory.app()) as http:
        (entry,) = http.get("/d/?format=json").json()["entries"]
        assert "\ufffd" in entry["name"]
        assert http.get(entry["url"]).content == raw
        assert http.get("/d/?format=text").text == entry["url"].removeprefix("/d/") + "\n"
        assert http.get("/api/ls/d/").json()["files"][0]["url"] == entry["url"]
        assert entry["name"] in http.get("/d/").text


def test_only_what_everybody_may_have_is_kept_by_shared_caches(client: httpx.Client) -> None:
    public = client.get("/pub/file.bin").headers
    assert public["cache-control"] == "no-cache"
    refused = client.get("/eula/x.img")
    assert refused.headers["cache-control"] == "no-store"
    licensed = client.get("/eula/x.img", headers=refused.json()["accept_with"])
    assert (licensed.status_code, licensed.headers["cache-control"]) == (200, "private, no-store")
    for headers in (public, licensed.headers):
        assert {"Authorization", "Cookie", "License-Accepted"} <= set(headers["vary"].split(", "))


@pytest.mark.parametrize("query", ["key=", "key=1", "key=PRIVATE", "a=b&key=x"])
def test_a_key_in_the_query_opens_nothing_and_says_what_took_its_place(
    client: httpx.Client, query: str
) -> None:
    for path in ("/eula/x.img", "/eula/", "/pub/file.bin"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 410
        assert "Authorization: Bearer" in answer.json()["detail"]


def test_a_posted_upload_is_told_that_uploads_are_gone(client: httpx.Client) -> None:
    answer = client.post("/pub/new.bin", files={"file": b"x"}, data={"key": "k"})
    assert (answer.status_code, answer.headers["content-type"]) == (410, "application/problem+json")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/pub/file.bin", "/pub/", "/"])
def test_other_methods_are_refused_with_those_that_are_not(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/pub/", 405), ("GET", "/pub/file.bin?key=abc", 410)]
)
def test_a_browser_gets_a_page_for_what_is_no_more(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert f'<p class="status">{status}</p>' in answer.text


def test_a_page_keeps_the_case_of_a_parameter(client: httpx.Client) -> None:
    page = client.get("/?sort=colour", headers={"Accept": "text/html"}).text
    assert "<p>The address has a mistake: sort must be one of name, version, modified, size.</p>" in page


@pytest.mark.parametrize("operation", ["list", "head", "get"])
@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [(StoreUnavailable("timeout"), 503, "5"), (StoreDenied(), 502, None), (ObjectChanged(), 503, "5")],
)
def test_a_store_that_fails_before_the_first_byte_is_an_error_that_says_so(
    memory: MemoryTree, operation: str, error: Exception, status: int, retry_after: str | None
) -> None:
    memory.put("d/file.bin", b"x")
    memory.store.fail_on(operation, error, path="d/" if operation == "list" else "d/file.bin")
    with client_of(app_over(memory.store)) as http:
        answer = http.get("/d/file.bin", headers=member("g"))
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get("retry-after") == retry_after
        assert "etag" not in answer.headers
        memory.store.fail_on(operation, None, path="d/" if operation == "list" else "d/file.bin")
        assert http.get("/d/file.bin").content == b"x"
