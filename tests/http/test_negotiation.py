"""Which representation of a folder is sent, and that all of them say the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import httpx
import pytest

from app.domain.paths import ArtifactPath
from tests.support.answers import member
from tests.support.listing_page import read_listing
from tests.support.site_trees import SiteTree, client_of, http_client
from tests.support.store_contract import ODD_NAMES

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
LYNX = "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01"
POLICY = '[[rule]]\npath = "many/9"\ntier = "private"\ngroups = ["staff"]\n'


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    for name in (*ODD_NAMES, "10", "9", "latest", "z.txt", "A"):
        tree.put(f"many/{name}", b"x" * len(name))
    for name in ("folder 1", "folder 10", "100", "latest-folder", "ü"):
        tree.put(f"many/{name}/f")
    tree.put("many/BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n")
    with client_of(tree.app(policy=POLICY)) as http:
        yield http


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "text/html"),
        ("", "text/html"),
        ("*/*", "text/html"),
        (BROWSER, "text/html"),
        (LYNX, "text/html"),
        ("application/json", "application/json"),
        ("application/json, */*;q=0.5", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("application/*", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/plain", "text/plain"),
        ("text/*, text/html;q=0", "text/plain"),
        ("*/*, text/html;q=0", "application/json"),
        ("application/json;q=0, */*;q=0.1", "text/html"),
        ("image/png", "text/html"),
        ("not a media type", "text/html"),
    ],
)
def test_accept_decides(client: httpx.Client, accept: str | None, media_type: str) -> None:
    request = client.build_request("GET", "/many/")
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    answer = client.send(request)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type


def test_several_accept_lines_are_one_list(client: httpx.Client) -> None:
    lines = [("Accept", "text/html;q=0.1"), ("Accept", "text/plain")]
    assert client.get("/many/", headers=lines).headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("name", ["html", "json", "ndjson", "text"])
def test_format_goes_before_accept(client: httpx.Client, name: str) -> None:
    by_query = client.get(f"/many/?format={name}", headers={"Accept": "image/png"})
    types = {"html": "text/html", "json": "application/json", "ndjson": "application/x-ndjson"}
    assert by_query.headers["content-type"].startswith(types.get(name, "text/plain"))
    assert "Accept" in by_query.headers["vary"]


@pytest.mark.parametrize("query", ["format=nothing", "format=", "format=HTML", "format=json&format=json"])
def test_an_unknown_format_is_refused_with_what_is_allowed(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/many/?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "format" in answer.json()["detail"]


def test_parameters_nobody_knows_are_ignored(client: httpx.Client) -> None:
    assert client.get("/many/?utm_source=mail&format=text").status_code == 200


def html_urls(client: httpx.Client, query: str) -> list[str]:
    page = read_listing(client.get(f"/many/?format=html{query}").text)
    return [url_of_link("/many/" + href) for href in page.hrefs]


def url_of_link(link: str) -> str:
    """What a client asks for: a link encodes more than it must (RFC 3986 section 6.2.2.2)."""
    return ArtifactPath.parse(link.encode()).url


def json_urls(client: httpx.Client, query: str) -> list[str]:
    return [entry["url"] for entry in client.get(f"/many/?format=json{query}").json()["entries"]]


def ndjson_urls(client: httpx.Client, query: str) -> list[str]:
    lines = client.get(f"/many/?format=ndjson{query}").text.splitlines()
    return [json.loads(line)["url"] for line in lines]


def text_urls(client: httpx.Client, query: str) -> list[str]:
    return [
        url_of_link("/many/" + line) for line in client.get(f"/many/?format=text{query}").text.splitlines()
    ]


def api_urls(client: httpx.Client, query: str) -> list[str]:
    return [item["url"] for item in client.get("/api/ls/many/").json()["files"]]


Reader = Callable[[httpx.Client, str], list[str]]


@pytest.mark.parametrize("other", [html_urls, ndjson_urls, text_urls, api_urls])
def test_every_representation_has_the_same_entries_in_the_same_order(
    client: httpx.Client, other: Reader
) -> None:
    expected = json_urls(client, "")
    assert len(expected) == len(ODD_NAMES) + 9
    assert other(client, "") == expected


@pytest.mark.parametrize("other", [html_urls, ndjson_urls, text_urls])
def test_every_representation_is_cut_at_the_same_place(client: httpx.Client, other: Reader) -> None:
    part = "&limit=7&after=100/"
    assert other(client, part) == json_urls(client, part)


def test_json_names_are_for_people_and_urls_are_exact(client: httpx.Client) -> None:
    listing = client.get("/many/?format=json").json()
    assert (listing["path"], listing["url"]) == ("/many/", "/many/")
    assert {entry["name"] for entry in listing["entries"] if entry["type"] == "file"} >= set(ODD_NAMES)
    for entry in listing["entries"]:
        assert unquote(entry["url"]) == f"/many/{entry['name']}{'/' * (entry['type'] == 'folder')}"
        assert (entry["size"] is None) == (entry["type"] == "folder")


def test_members_see_the_same_order_too(client: httpx.Client) -> None:
    client = http_client(str(client.base_url), headers=member("staff"))
    with client:
        seen = json_urls(client, "")
        assert len(seen) == len(ODD_NAMES) + 10
        assert text_urls(client, "") == html_urls(client, "") == seen
