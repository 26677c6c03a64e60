"""Conditional requests for a file, clause by clause of RFC 9110 section 13, over a socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.site_trees import SiteTree, client_of

SEPTEMBER = 1475236800.0
EXACT = "Fri, 30 Sep 2016 12:00:00 GMT"
EARLIER = "Fri, 30 Sep 2016 11:59:59 GMT"
LATER = "Fri, 30 Sep 2016 12:00:01 GMT"
CONTENT = b"0123456789" * 10

Headers = dict[str, str]


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("d/f.bin", CONTENT, modified=SEPTEMBER + 0.5)
    with client_of(tree.app()) as http:
        yield http


@pytest.fixture(scope="module")
def e_tag(client: httpx.Client) -> str:
    return client.head("/d/f.bin").headers["etag"]


def ask(client: httpx.Client, headers: Headers, *, e_tag: str, method: str = "GET") -> httpx.Response:
    """Ask with conditions in which TAG stands for the file's own entity tag."""
    filled = {name: value.replace("TAG", e_tag) for name, value in headers.items()}
    return client.request(method, "/d/f.bin", headers=filled)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # 13.1.2: If-None-Match, weak comparison, lists and *
        ({"If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "W/TAG"}, 304),
        ({"If-None-Match": '"a", "b,c", W/"d", TAG'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"a", W/"b"'}, 200),
        ({"If-None-Match": "unquoted"}, 200),
        # 13.1.3: If-Modified-Since, at whole seconds
        ({"If-Modified-Since": EXACT}, 304),
        ({"If-Modified-Since": LATER}, 304),
        ({"If-Modified-Since": EARLIER}, 200),
        ({"If-Modified-Since": "Friday, 30-Sep-16 12:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Fri Sep 30 12:00:00 2016"}, 304),
        ({"If-Modified-Since": "yesterday"}, 200),
        # 13.2.2 step 3 before 4: the date is ignored where there are tags
        ({"If-None-Match": '"other"', "If-Modified-Since": LATER}, 200),
        ({"If-None-Match": "TAG", "If-Modified-Since": EARLIER}, 304),
        # 13.1.1: If-Match, strong comparison
        ({"If-Match": "TAG"}, 200),
        ({"If-Match": '"other", TAG'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": "W/TAG"}, 412),
        ({"If-Match": '"other"'}, 412),
        # 13.1.4: If-Unmodified-Since
        ({"If-Unmodified-Since": EXACT}, 200),
        ({"If-Unmodified-Since": EARLIER}, 412),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        # 13.2.2 step 1 before 2: the date is ignored where there are tags
        ({"If-Match": "TAG", "If-Unmodified-Since": EARLIER}, 200),
        ({"If-Match": '"other"', "If-Unmodified-Since": LATER}, 412),
        # 13.2.2: a failed If-Match goes before a matching If-None-Match
        ({"If-Match": '"other"', "If-None-Match": "TAG"}, 412),
        ({"If-Match": "TAG", "If-None-Match": "TAG"}, 304),
    ],
)
def test_preconditions(client: httpx.Client, e_tag: str, headers: Headers, status: int, method: str) -> None:
    answer = ask(client, headers, e_tag=e_tag, method=method)
    assert answer.status_code == status
    if status == 200:
        assert answer.content == (CONTENT if method == "GET" else b"")


def test_several_lines_of_tags_are_one_list(client: httpx.Client, e_tag: str) -> None:
    lines = [("If-None-Match", '"a"'), ("If-None-Match", e_tag)]
    assert client.get("/d/f.bin", headers=lines).status_code == 304


def test_a_304_repeats_what_a_cache_needs_and_describes_no_body(client: httpx.Client, e_tag: str) -> None:
    whole = client.get("/d/f.bin")
    answer = ask(client, {"If-None-Match": "TAG"}, e_tag=e_tag)
    assert answer.content == b""
    for name in ("etag", "last-modified", "cache-control", "vary"):  # section 15.4.5
        assert answer.headers[name] == whole.headers[name]
    for name in ("content-type", "content-disposition", "content-range"):
        assert name not in answer.headers


def test_a_412_is_a_problem_and_never_the_file(client: httpx.Client, e_tag: str) -> None:
    answer = ask(client, {"If-Match": '"other"'}, e_tag=e_tag)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 412
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        # 13.1.5: If-Range, strong comparison of tags, exact match of dates
        ({"If-Range": "TAG"}, 206, b"34"),
        ({"If-Range": '"other"'}, 200, CONTENT),
        ({"If-Range": "W/TAG"}, 200, CONTENT),
        ({"If-Range": "TAG, TAG"}, 200, CONTENT),
        ({"If-Range": EXACT}, 206, b"34"),
        ({"If-Range": LATER}, 200, CONTENT),
        ({"If-Range": EARLIER}, 200, CONTENT),
        ({"If-Range": "yesterday"}, 200, CONTENT),
        # 13.2.2: the other preconditions go first
        ({"If-Range": "TAG", "If-None-Match": "TAG"}, 304, b""),
        ({"If-Match": "TAG"}, 206, b"34"),
        ({"If-None-Match": '"other"'}, 206, b"34"),
        ({"If-Unmodified-Since": EXACT}, 206, b"34"),
    ],
)
def test_a_range_is_honoured_only_of_the_file_that_the_client_has(
    client: httpx.Client, e_tag: str, headers: Headers, status: int, body: bytes
) -> None:
    answer = ask(client, headers | {"Range": "bytes=3-4"}, e_tag=e_tag)
    assert (answer.status_code, answer.content) == (status, body)


def test_a_failed_if_range_makes_an_impossible_range_the_whole_file(client: httpx.Client, e_tag: str) -> None:
    answer = ask(client, {"If-Range": '"other"', "Range": "bytes=5000-"}, e_tag=e_tag)
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_replaced_file_has_another_tag_and_is_sent_anew(tree: SiteTree) -> None:
    tree.put("new/f", b"old", modified=SEPTEMBER)
    with client_of(tree.app()) as http:
        old = http.get("/new/f").headers["etag"]
        tree.put("new/f", b"new", modified=SEPTEMBER + 1)
        resumed = http.get("/new/f", headers={"If-Range": old, "Range": "bytes=1-"})
        assert (resumed.status_code, resumed.content) == (200, b"new")
        again = http.get("/new/f", headers={"If-None-Match": old})
        assert (again.status_code, again.content) == (200, b"new")
        assert again.headers["etag"] != old


def test_access_is_decided_before_any_condition(tree: SiteTree) -> None:
    tree.put("eula/EULA.txt", b"Be nice.")
    tree.put("eula/x.img", b"x")
    with client_of(tree.app()) as http:
        for headers in ({"If-None-Match": "*"}, {"If-Match": '"other"'}, {"Range": "bytes=9-"}):
            assert http.get("/eula/x.img", headers=headers).status_code == 403
        assert http.get("/eula/nothing", headers={"If-None-Match": "*"}).status_code != 304
