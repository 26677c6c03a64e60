"""Links that are served in place: under the path that was asked for, by the rules of every folder on the way."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import all_of, member
from tests.support.listing_page import read_listing
from tests.support.site_policies import MEMBERS_AND_VAULT
from tests.support.site_trees import MemoryTree, SiteTree, client_of

LINK_FILE = ".s3_linked_from"
GROUP_RULES = b"Format-Version: 0.5\nFiles-Pattern: *,\nAuth-Groups: staff\n"
LICENSED = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\nLicense-Text: Be kind.\n"


def plant(tree: SiteTree) -> None:
    tree.put("builds/123/a/b.txt", b"0123456789")
    tree.put("builds/123/image.img", b"image")
    tree.put(f"builds/latest/{LINK_FILE}", b"builds/123")
    tree.put(f"chain/latest/{LINK_FILE}", b"builds/latest")
    tree.put("round/f", b"f")
    tree.put(f"round/latest/{LINK_FILE}", b"round")
    tree.put(f"there/latest/{LINK_FILE}", b"back")
    tree.put(f"back/latest/{LINK_FILE}", b"there")
    tree.put("licensed/1/f", b"f")
    tree.put("licensed/1/BUILD-INFO.txt", LICENSED)
    tree.put(f"licensed/latest/{LINK_FILE}", b"licensed/1")
    tree.put(f"members/latest/{LINK_FILE}", b"builds/123")
    tree.put("members/1/f", b"secret")
    tree.put("vault/1/f", b"secret")
    tree.put(f"to-members/latest/{LINK_FILE}", b"members/1")
    tree.put(f"to-vault/latest/{LINK_FILE}", b"vault/1")
    tree.put(f"through/latest/{LINK_FILE}", b"members/latest")
    tree.put("ruled/latest/BUILD-INFO.txt", GROUP_RULES)
    tree.put(f"ruled/latest/{LINK_FILE}", b"builds/123")


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    plant(tree)
    tree.link("builds/stable", "builds/123")
    tree.link("builds/stable.img", "builds/123/image.img")
    with client_of(tree.app(policy=MEMBERS_AND_VAULT)) as http:
        yield http


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/builds/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/latest/*.img", "/builds/123/image.img"),
        ("/chain/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/stable/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/stable.img", "/builds/123/image.img"),
        ("/builds/latest/", "/builds/123/"),
        ("/builds/latest/a/", "/builds/123/a/"),
        ("/builds/latest/?format=json", "/builds/123/?format=json"),
        ("/builds/latest/?recursive=true", "/builds/123/?recursive=true"),
        ("/builds/stable/?format=text", "/builds/123/?format=text"),
    ],
)
def test_a_link_answers_with_what_it_leads_to(
    client: httpx.Client, method: str, path: str, real: str
) -> None:
    answer, other = client.request(method, path), client.request(method, real)
    url = real.partition("?")[0]
    assert (answer.status_code, answer.content) == (200, other.content)
    assert answer.headers["content-location"] == url
    assert f'<{url}>; rel="canonical"' in answer.headers["link"]
    assert answer.headers.get("etag") == other.headers.get("etag")
    assert answer.headers["cache-control"] == other.headers["cache-control"]
    assert "content-location" not in other.headers


def test_what_a_client_has_is_not_sent_again_and_ranges_are(client: httpx.Client) -> None:
    path = "/builds/latest/a/b.txt"
    part = client.get(path, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-location"] == "/builds/123/a/b.txt"
    known = client.get(path, headers={"If-None-Match": part.headers["etag"]})
    assert (known.status_code, known.headers["content-location"]) == (304, "/builds/123/a/b.txt")


def test_links_of_a_page_stay_below_the_path_that_was_asked_for(client: httpx.Client) -> None:
    page = read_listing(client.get("/builds/latest/").text)
    assert page.hrefs == ["a/", "image.img"]
    assert page.parent == "../"


@pytest.mark.parametrize("path", ["/builds/latest", "/builds/latest/a", "/builds/stable", "/builds/stable/a"])
def test_a_folder_gets_its_slash_where_it_was_asked_for(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{path}?format=text")
    assert (answer.status_code, answer.headers["location"]) == (301, f"{path}/?format=text")
    assert client.get(answer.headers["location"]).status_code == 200


def test_a_link_to_a_folder_above_it_makes_no_tree_without_end(client: httpx.Client) -> None:
    for path, real in (("/round/latest/", "/round/"), ("/there/latest/latest/", "/there/")):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, real)


def test_a_licence_is_asked_for_at_the_real_path(client: httpx.Client) -> None:
    answer = client.get("/licensed/latest/f")
    assert answer.status_code == 403
    (licence,) = answer.json()["licences"]
    assert licence["text_url"].endswith("url=licensed/1/f")
    accepted = client.get("/licensed/latest/f", headers={"License-Accepted": licence["digest"]})
    assert accepted.content == b"f"


@pytest.mark.parametrize(
    "path",
    [
        "/to-members/latest/f",
        "/to-members/latest/",
        "/members/latest/a/b.txt",
        "/members/latest/",
        "/through/latest/a/b.txt",
        "/ruled/latest/a/b.txt",
        "/ruled/latest/",
    ],
)
def test_a_private_folder_anywhere_on_the_way_closes_the_link(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert not {"location", "content-location", "link"} & answer.headers.keys()
    assert client.get(path, headers=member("staff")).status_code == 200


def test_a_link_to_what_is_hidden_is_not_there(client: httpx.Client) -> None:
    for path in ("/to-vault/latest/", "/to-vault/latest/f"):
        assert client.get(path).status_code == 404
        assert all_of(client.get(path)) == all_of(client.get(f"{path}x/y"))
    assert client.get("/to-vault/latest/f", headers=member("staff")).content == b"secret"


def test_nothing_of_the_target_is_read_before_every_folder_on_the_way_has_been_asked() -> None:
    tree = MemoryTree()
    plant(tree)
    with client_of(tree.app(policy=MEMBERS_AND_VAULT)) as http:
        for path in ("/members/latest/a/b.txt", "/through/latest/a/b.txt", "/ruled/latest/a/b.txt"):
            assert http.get(path).status_code == 401
        assert not [call for call in tree.store.calls if call.path.startswith("builds/")]
        assert http.get("/to-members/latest/f").status_code == 401
        assert not [call for call in tree.store.calls if call.path.startswith("members/1")]


def test_a_page_in_memory_is_found_by_its_real_path_alone() -> None:
    """What one member sees by a link is never what a stranger gets by it."""
    tree = MemoryTree()
    plant(tree)
    with client_of(tree.app(policy=MEMBERS_AND_VAULT)) as http:
        for path in ("/members/latest/", "/to-members/latest/f"):
            for _ in range(2):
                assert http.get(path, headers=member("staff")).status_code == 200
                assert http.get(path).status_code == 401
