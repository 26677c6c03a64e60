"""Names of the tree that the server needs for itself: not listed where they cannot be had, and all below `/-/tree/`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from app.domain.mounts import WHOLE_TREE
from app.domain.reserved import RESERVED
from tests.support.answers import BROWSER, all_of, member, problem
from tests.support.listing_page import read_listing
from tests.support.site_trees import SiteTree, client_of

POLICY = """
[[rule]]
path = "api/members"
tier = "private"
groups = ["staff"]

[[rule]]
path = "releases/hidden"
tier = "private"
groups = ["staff"]
visibility = "hidden"
"""
LICENSED = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\nLicense-Text: Be kind.\n"
FORMATS = ("html", "json", "ndjson", "text")
FOLDERS = ("api/", "releases/")
FILES = sorted(RESERVED - {"api", "-"})


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("api/openapi.json", b"the tree's")
    tree.put("api/members/f", b"secret")
    tree.put("api/licensed/f", b"licensed")
    tree.put("api/licensed/BUILD-INFO.txt", LICENSED)
    tree.put("-/f", b"below a dash")
    for name in FILES:
        tree.put(name, name.encode())
    tree.put("releases/17/f", b"f")
    tree.put("releases/17/api/f", b"an ordinary name")
    tree.put("releases/hidden/f", b"secret")
    tree.put("latest/.s3_linked_from", b"api")
    tree.put("current/.s3_linked_from", b"releases/17")
    with client_of(tree.app(policy=POLICY, cache_ttl=300)) as http:
        yield http


def names(client: httpx.Client, url: str, form: str) -> list[str]:
    """What a listing shows, each folder with its slash."""
    answer = client.get(url, params={"format": form})
    assert answer.status_code == 200
    match form:
        case "html":
            return read_listing(answer.text).names
        case "json":
            entries = answer.json()["entries"]
        case "ndjson":
            entries = [json.loads(line) for line in answer.text.splitlines()]
        case _:
            return answer.text.splitlines()
    return [entry["name"] + "/" * (entry["type"] == "folder") for entry in entries]


def walked(client: httpx.Client, url: str, **query: str) -> list[str]:
    """The URLs of everything below a folder."""
    answer = client.get(url, params=query)
    assert answer.status_code == 200
    return [json.loads(line)["url"] for line in answer.text.splitlines()]


@pytest.mark.parametrize("form", FORMATS)
class TestListing:
    def test_what_cannot_be_had_is_not_listed(self, client: httpx.Client, form: str) -> None:
        shown = names(client, "/", form)
        assert "releases/" in shown
        assert not {name.rstrip("/") for name in shown} & RESERVED

    def test_an_ordinary_name_further_down_is(self, client: httpx.Client, form: str) -> None:
        assert "api/" in names(client, "/releases/17/", form)

    def test_the_whole_tree_lists_all(self, client: httpx.Client, form: str) -> None:
        shown = names(client, f"{WHOLE_TREE}/", form)
        assert {*FILES, "api/", "-/", "releases/"} <= set(shown)

    def test_the_same_in_another_order(self, client: httpx.Client, form: str) -> None:
        for at in ("", WHOLE_TREE):
            in_order = client.get(f"{at}/", params={"format": form, "sort": "size"})
            assert in_order.status_code == 200
            assert ("readyz" in in_order.text) is bool(at)

    def test_the_same_in_pages_of_one(self, client: httpx.Client, form: str) -> None:
        for start, whole in (("/", False), (f"{WHOLE_TREE}/", True)):
            found, url = "", f"{start}?limit=1&format={form}"
            while True:
                answer = client.get(url)
                found += answer.text
                if "next" not in answer.links:
                    break
                url = str(httpx.URL(url).join(answer.links["next"]["url"]))
            assert ("readyz" in found) is whole


@pytest.mark.parametrize("at", ["", WHOLE_TREE])
def test_every_link_of_a_listing_stays_where_it_was_found(client: httpx.Client, at: str) -> None:
    for folder in ("/", "/releases/", "/releases/17/"):
        page = read_listing(client.get(at + folder).text)
        for href in page.hrefs:
            target = httpx.URL(f"http://h{at}{folder}").join(href).path
            assert target.startswith(f"{at}/")
            assert target.startswith("/-/") is bool(at)
        entries = client.get(f"{at}{folder}?format=json").json()
        assert entries["url"] == at + folder
        assert all(entry["url"].startswith(at + folder) for entry in entries["entries"])
        assert all(url.startswith(at + folder) for url in walked(client, at + folder, recursive="true"))


@pytest.mark.parametrize("path", ["api/openapi.json", "-/f", *FILES])
def test_a_file_that_is_listed_can_be_had(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{WHOLE_TREE}/{path}")
    assert answer.status_code == 200
    assert answer.content in (b"the tree's", b"below a dash", path.encode())
    assert "link" not in answer.headers  # it has no other URL
    assert client.get(f"/{path}").content != answer.content


@pytest.mark.parametrize("path", ["/releases/17/f", "/releases/17/", "/"])
def test_what_has_a_plain_url_says_so(client: httpx.Client, path: str) -> None:
    plain, whole = client.get(path), client.get(WHOLE_TREE + path)
    assert whole.headers["link"] == f'<{path}>; rel="canonical"'
    assert "link" not in plain.headers
    if not path.endswith("/"):
        assert whole.headers["etag"] == plain.headers["etag"]
        assert whole.content == plain.content


class TestWalk:
    def test_without_what_cannot_be_had(self, client: httpx.Client) -> None:
        for urls in (walked(client, "/", recursive="true"), walked(client, "/api/v1/manifest/")):
            assert "/releases/17/api/f" in urls
            assert not {url.split("/")[1] for url in urls} & RESERVED

    def test_of_the_whole_tree(self, client: httpx.Client) -> None:
        urls = walked(client, f"{WHOLE_TREE}/", recursive="true")
        assert {f"{WHOLE_TREE}/api/openapi.json", f"{WHOLE_TREE}/license"} <= set(urls)
        assert all(url.startswith(f"{WHOLE_TREE}/") for url in urls)

    def test_by_the_old_lists(self, client: httpx.Client) -> None:
        assert "readyz" not in client.get("/api/ls/").text
        assert walked(client, "/api/v1/manifest/api/")[0] == f"{WHOLE_TREE}/api/licensed/"
        assert (
            client.get("/api/ls/api/openapi.json").json()["files"][0]["url"]
            == f"{WHOLE_TREE}/api/openapi.json"
        )
        assert client.get("/api/ls/license").json()["files"][0]["url"] == f"{WHOLE_TREE}/license"


class TestRules:
    def test_they_are_those_of_the_path_of_the_tree(self, client: httpx.Client) -> None:
        assert client.get(f"{WHOLE_TREE}/api/members/f").status_code == 401
        assert client.get(f"{WHOLE_TREE}/api/members/f", headers=member("staff")).content == b"secret"
        assert "members/" not in names(client, f"{WHOLE_TREE}/api/", "text")
        assert problem(client.get(f"{WHOLE_TREE}/api/licensed/f")) == (403, "licence-required")

    @pytest.mark.parametrize(
        ("path", "absent"),
        [
            ("releases/hidden/f", "releases/absent/f"),
            ("releases/hidden/", "releases/absent/"),
            ("releases/17/BUILD-INFO.txt", "releases/17/absent.txt"),
        ],
    )
    def test_hidden_is_like_absent(self, client: httpx.Client, path: str, absent: str) -> None:
        assert all_of(client.get(f"{WHOLE_TREE}/{path}")) == all_of(client.get(f"{WHOLE_TREE}/{absent}"))

    @pytest.mark.parametrize(
        "spelling",
        [
            "/-/tree/api/members/f",
            "/-/tree//api/./members/f",
            "/-/./tree/%61pi/%6dembers/f",
            "/a/../-/tree/api/members/f",
            "/%2d/tr%65e/api/members/f",
        ],
    )
    def test_no_spelling_gets_around_them(self, client: httpx.Client, spelling: str) -> None:
        assert client.get(spelling).status_code == 401

    @pytest.mark.parametrize("spelling", ["/-%2Ftree/api/members/f", "/-/Tree/api/f", "/-/treeapi/"])
    def test_the_prefix_has_one_spelling(self, client: httpx.Client, spelling: str) -> None:
        assert client.get(spelling).status_code == 404


class TestLinks:
    def test_one_to_a_reserved_name_names_where_that_is(self, client: httpx.Client) -> None:
        answer = client.get("/latest/openapi.json")
        assert answer.content == b"the tree's"
        assert answer.headers["content-location"] == f"{WHOLE_TREE}/api/openapi.json"
        assert answer.headers["link"] == f'<{WHOLE_TREE}/api/openapi.json>; rel="canonical"'

    def test_one_in_the_whole_tree(self, client: httpx.Client) -> None:
        answer = client.get(f"{WHOLE_TREE}/current/f")
        assert answer.headers["content-location"] == f"{WHOLE_TREE}/releases/17/f"
        assert answer.headers["link"] == '</releases/17/f>; rel="canonical"'

    def test_redirects_stay_there(self, client: httpx.Client, tree: SiteTree) -> None:
        assert client.get(WHOLE_TREE).headers["location"] == f"{WHOLE_TREE}/"
        assert client.get(f"{WHOLE_TREE}?format=json").headers["location"] == f"{WHOLE_TREE}/?format=json"
        assert client.get(f"{WHOLE_TREE}/api").headers["location"] == f"{WHOLE_TREE}/api/"
        with client_of(tree.app(links="redirect")) as redirecting:
            assert redirecting.get("/latest/").headers["location"] == f"{WHOLE_TREE}/api/"
            assert (
                redirecting.get(f"{WHOLE_TREE}/current/").headers["location"] == f"{WHOLE_TREE}/releases/17/"
            )


def test_wildcards_match_what_is_listed(client: httpx.Client) -> None:
    assert client.get("/readyz*").status_code == 404
    assert client.get(f"{WHOLE_TREE}/readyz*").content == b"readyz"


def test_a_browser_is_led_through_a_licence_and_back(client: httpx.Client) -> None:
    to_licence = client.get(f"{WHOLE_TREE}/api/licensed/f", headers=BROWSER)
    page = client.get(to_licence.headers["location"], headers=BROWSER)
    fields = dict.fromkeys(("path", "digest", "form_token"), "") | {"accept": "1"}
    for name in ("path", "digest", "form_token"):
        fields[name] = page.text.partition(f'name="{name}" value="')[2].partition('"')[0]
    accepted = client.post(
        "/license", data=fields, headers={**BROWSER, "Origin": str(client.base_url).rstrip("/")}
    )
    assert f'href="{WHOLE_TREE}/api/licensed/f"' in accepted.text
    assert client.get(f"{WHOLE_TREE}/api/licensed/f", headers=BROWSER).content == b"licensed"


def test_methods_and_head(client: httpx.Client) -> None:
    assert client.post(f"{WHOLE_TREE}/api/openapi.json").status_code == 405
    head = client.head(f"{WHOLE_TREE}/api/openapi.json")
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
