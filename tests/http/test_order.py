"""Listings in the order that a request or the site policy asks for, in every representation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support.site_trees import MemoryTree, client_of

POLICY = """
[[serve]]
path = "nightly"
sort = "modified"
order = "desc"
"""
FILES = {"b10.txt": (3, 1e9), "b9.txt": (1, 3e9), "A.txt": (2, 2e9)}
BY_NAME = ["A.txt", "b9.txt", "b10.txt"]
BY_TIME = ["b10.txt", "A.txt", "b9.txt"]
BY_SIZE = ["b9.txt", "A.txt", "b10.txt"]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    for name, (size, modified) in FILES.items():
        for folder in ("d", "nightly"):
            tree.put(f"{folder}/{name}", b"x" * size, modified=modified)
    for name in ("[x].img", "50%*.img", "\u00fcber.img", "cafe\u0301.img"):
        tree.put(f"odd/{name}")
    with client_of(tree.app(policy=POLICY)) as client:
        yield client


def names(answer: httpx.Response) -> list[str]:
    """The entries of an answer in whatever representation it is."""
    assert answer.status_code == 200, answer.text
    match answer.headers["content-type"].partition(";")[0]:
        case "text/html":
            return re.findall(r'<td class="\w+"><a href="([^"]+)">(?!Parent)', answer.text)
        case "text/plain":
            return answer.text.split()
        case _:
            return re.findall(r'"name":"([^"]+)"', answer.text)


@pytest.mark.parametrize("form", ["html", "json", "ndjson", "text"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", BY_NAME),
        ("sort=name", BY_NAME),
        ("sort=version&order=desc", BY_NAME[::-1]),
        ("order=desc", BY_NAME[::-1]),
        ("sort=modified", BY_TIME),
        ("sort=modified&order=desc", BY_TIME[::-1]),
        ("sort=size&order=asc", BY_SIZE),
        ("sort=size&order=desc", BY_SIZE[::-1]),
        ("C=N;O=D", BY_NAME[::-1]),
        ("C=M;O=A", BY_TIME),
        ("C=S&O=D", BY_SIZE[::-1]),
        ("C=X;O=D", BY_NAME),
        ("C=M;O=D;F=2;V=1", BY_TIME[::-1]),
        ("F=0;C=S;O=D", BY_SIZE[::-1]),
        ("F=1&C=M&O=D&V=0", BY_TIME[::-1]),
    ],
)
def test_every_representation_is_in_the_order_that_was_asked_for(
    client: httpx.Client, form: str, query: str, expected: list[str]
) -> None:
    for _ in range(2):
        assert names(client.get(f"/d/?format={form}&{query}")) == expected


def test_the_site_policy_says_the_order_where_a_request_does_not(client: httpx.Client) -> None:
    for path in ("/nightly/", "/nightly/?format=json", "/nightly/?format=text", "/api/ls/nightly/"):
        assert names(client.get(path)) == BY_TIME[::-1]
    assert names(client.get("/nightly/?sort=name")) == BY_NAME


@pytest.mark.parametrize(
    "path", ["/d/?sort=size&order=desc", "/d/?sort=modified", "/d/?sort=name", "/nightly/?"]
)
def test_pages_follow_one_another_in_that_order(client: httpx.Client, path: str) -> None:
    expected, found, url = names(client.get(path)), [], f"{path}&limit=1"
    for _ in FILES:
        answer = client.get(url)
        found += names(answer)
        if "next" in answer.links:
            url = str(answer.url.join(answer.links["next"]["url"]))
    assert found == expected
    assert "next" not in answer.links


def test_a_changed_folder_is_sorted_anew() -> None:
    tree = MemoryTree()
    tree.put("d/a", b"x")
    tree.put("d/b", b"xx")
    with client_of(tree.app(cache_ttl=0)) as client:
        assert names(client.get("/d/?sort=size")) == ["a", "b"]
        tree.put("d/a", b"xxx")
        assert names(client.get("/d/?sort=size")) == ["b", "a"]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("sort=colour", "sort must be one of name, version, modified, size"),
        ("order=down", "order must be one of asc, desc"),
        ("sort=name&sort=size", "sort must be given at most once"),
        ("recursive=true&sort=size", "sort must be left out together with recursive=true"),
        ("recursive=true&order=desc", "sort must be left out together with recursive=true"),
        ("limt=1", "limt must be left out, or written limit"),
        ("Sort=size", "Sort must be left out, or written sort"),
        ("formats=json", "formats must be left out, or written format"),
        ("digests=true", "digests must be left out, or together with recursive=true"),
        ("sort=size&after=b9.txt", "after must be taken from the link to the next page"),
    ],
)
def test_what_is_not_understood_is_refused(client: httpx.Client, query: str, wrong: str) -> None:
    answer = client.get(f"/d/?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert wrong in answer.json()["detail"]


@pytest.mark.parametrize("query", ["utm_source=x", "_=1", "fbclid=2", "v=3", "C=1", "O=D"])
def test_what_others_add_to_a_url_is_ignored(client: httpx.Client, query: str) -> None:
    assert names(client.get(f"/d/?{query}")) == BY_NAME


def test_the_column_heads_are_buttons_that_turn_the_order_round(client: httpx.Client) -> None:
    page = client.get("/d/?sort=size&order=desc").text
    heads = re.findall(r"<th scope=\"col\"(.*?)</th>", page)
    assert 'aria-sort="descending"' in heads[2]
    assert re.search(r'name="sort" value="size"><button name="order" value="asc">Size', heads[2])
    assert re.search(r'name="sort" value="modified"><button name="order" value="desc">', heads[1])
    assert not any("sort=" in href for href in re.findall(r'href="([^"]*)"', page))


@pytest.mark.parametrize("form", ["html", "json", "ndjson", "text"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=b", ["b9.txt", "b10.txt"]),
        ("q=B*.TXT&sort=size&order=desc", ["b10.txt", "b9.txt"]),
        ("q=?9*", ["b9.txt"]),
        ("q=a", ["A.txt"]),
        ("q=none", []),
        ("q=", BY_NAME),
    ],
)
def test_a_filter_by_name(client: httpx.Client, form: str, query: str, expected: list[str]) -> None:
    assert names(client.get(f"/d/?format={form}&{query}")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[", ["[x].img"]),
        ("[x]", ["[x].img"]),
        ("*.i", ["50%*.img"]),
        ("50%", ["50%*.img"]),
        ("[x", ["[x].img"]),
        ("U\u0308b", ["\u00fcber.img"]),
        ("CAF\u00c9*", ["cafe\u0301.img"]),
    ],
)
def test_a_filter_finds_the_very_text_and_letters_in_any_form(
    client: httpx.Client, text: str, expected: list[str]
) -> None:
    answer = client.get("/odd/", params={"q": text, "format": "json"})
    assert [entry["name"] for entry in answer.json()["entries"]] == expected


def test_the_pages_of_a_filter_follow_one_another(client: httpx.Client) -> None:
    first = client.get("/d/?q=b&limit=1&format=json")
    following = client.get(first.url.join(first.links["next"]["url"]))
    assert names(first) + names(following) == ["b9.txt", "b10.txt"]
    assert "next" not in following.links


def test_a_filter_is_at_most_as_long_as_a_name(client: httpx.Client) -> None:
    assert client.get(f"/d/?q={'x' * 255}").status_code == 200
    assert client.get(f"/d/?q={'x' * 256}").status_code == 400


def test_the_field_of_the_filter_keeps_what_was_asked_for(client: httpx.Client) -> None:
    page = client.get("/d/?q=%3Cb%3E&sort=size&order=desc&limit=5").text
    assert 'name="q" value="&lt;b&gt;"' in page
    assert page.count('<input type="hidden" name="limit" value="5">') == 4
    assert "No name matches." in page
