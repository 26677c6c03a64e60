"""A wildcard in the last name: the one file it stands for, or what it could be."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import BROWSER, member, problem
from tests.support.site_trees import SiteTree, client_of

POLICY = """
[[rule]]
path = "**/*.secret"
tier = "private"
groups = ["staff"]

[[rule]]
path = "**/*.shown"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("builds/1/BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n")
    for name in (
        "boot-1.0.img.gz",
        "MD5SUMS",
        "a1.bin",
        "a2.bin",
        "Upper.TXT",
        "notes.txt",
        ".dot",
        "ü b.deb",
    ):
        tree.put(f"builds/1/{name}", name.encode())
    tree.put("builds/1/key.secret", b"secret")
    tree.put("builds/1/key2.shown", b"shown")
    tree.put("builds/1/folder-x/f", b"x")
    tree.put("builds/latest/.s3_linked_from", b"builds/1")
    tree.put("eula/EULA.txt", b"Be nice.")
    tree.put("eula/gcc+1.img", b"content")
    tree.put("literal/what[1]*.img", b"literal")
    tree.put("literal/what1.img", b"matched")
    for n in range(50):
        tree.put(f"many/f{n:02}.bin")
    tree.put("slow/" + "a" * 250)
    with client_of(tree.app(policy=POLICY)) as http:
        yield http


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*.img.gz", "boot-1.0.img.gz"),
        ("boot-*", "boot-1.0.img.gz"),
        ("%2A.img.gz", "boot-1.0.img.gz"),
        ("a%3F*1.bin", None),
        ("a%3F.bin", "several"),
        ("a[2-9].bin", "a2.bin"),
        ("a%5B!2%5D.bin", "a1.bin"),
        ("MD5*", "MD5SUMS"),
        ("md5*", None),  # case counts
        ("*.TXT", "Upper.TXT"),
        ("*.txt", "notes.txt"),  # BUILD-INFO.txt is hidden, and does not count
        ("BUILD*", None),
        ("*.secre%3F", None),  # nor does what the asker may not see
        ("key*", None),
        ("*dot", ".dot"),
        ("%C3%BC*", "ü b.deb"),
        ("*.none", None),
        ("[", None),
        ("[]", None),
        ("[z-a]*", None),
    ],
)
def test_one_match_is_that_file(client: httpx.Client, pattern: str, name: str | None) -> None:
    got, head = client.get(f"/builds/1/{pattern}"), client.head(f"/builds/1/{pattern}")
    assert head.status_code == got.status_code
    if name is None:
        assert problem(got) == (404, "not-found")
    elif name == "several":
        assert problem(got) == (404, "ambiguous-pattern")
    else:
        assert (got.status_code, got.content) == (200, name.encode())
        assert head.headers["content-length"] == str(len(name.encode()))


def test_several_matches_are_named(client: httpx.Client) -> None:
    answer = client.get("/builds/1/a*.bin")
    assert problem(answer) == (404, "ambiguous-pattern")
    assert answer.json()["matches"] == ["a1.bin", "a2.bin"]
    page = client.get("/builds/1/a*.bin", headers=BROWSER)
    assert (page.status_code, "a1.bin, a2.bin" in page.text) == (404, True)


def test_only_some_of_very_many_matches_are_named(client: httpx.Client) -> None:
    matches = client.get("/many/*").json()["matches"]
    assert matches[:2] == ["f00.bin", "f01.bin"]
    assert matches[-1] == "..."
    assert len(matches) < 50


def test_members_match_what_they_see(client: httpx.Client) -> None:
    staff = member("staff")
    assert client.get("/builds/1/*.secret", headers=staff).content == b"secret"
    assert client.get("/builds/1/key*", headers=staff).json()["matches"] == ["key.secret", "key2.shown"]


def test_a_wildcard_never_names_what_it_may_not(client: httpx.Client) -> None:
    for pattern in ("*", "k*", "key[.2]*"):
        assert "secret" not in client.get(f"/builds/1/{pattern}").text


def test_a_name_that_is_there_is_no_wildcard(client: httpx.Client) -> None:
    assert client.get("/literal/what%5B1%5D%2A.img").content == b"literal"
    assert client.get("/literal/what[1].img").content == b"matched"


def test_a_folder_that_matches_is_led_to(client: httpx.Client) -> None:
    answer = client.get("/builds/1/folder*?format=text")
    assert answer.status_code in (302, 301)
    assert client.get(httpx.URL(str(answer.url)).join(answer.headers["location"])).text == "f\n"


@pytest.mark.parametrize("path", ["/bui*/1/MD5SUMS", "/builds/*/MD5SUMS", "/builds/1*/", "/*/1/", "/none/*"])
def test_only_the_last_name_may_be_one(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_licence_is_asked_for_the_real_file(client: httpx.Client) -> None:
    refused = client.get("/eula/gcc*")
    assert problem(refused) == (403, "licence-required")
    assert client.get("/eula/gcc*", headers=refused.json()["accept_with"]).content == b"content"
    led = client.get("/eula/gcc*", headers=BROWSER)
    assert led.status_code == 302
    assert "Be nice." in client.get(led.headers["location"]).text


def test_it_works_behind_a_link(client: httpx.Client) -> None:
    answer = client.get("/builds/latest/*.img.gz")
    assert answer.content == b"boot-1.0.img.gz"
    assert answer.headers["content-location"].startswith("/builds/1/boot-1.0.img.gz")


def test_the_old_api_lists_the_one_match(client: httpx.Client) -> None:
    (item,) = client.get("/api/ls/builds/latest/*.img.gz").json()["files"]
    assert item["url"] == "/builds/1/boot-1.0.img.gz"
    assert client.get("/api/ls/builds/latest/*.absent").status_code == 404


@pytest.mark.parametrize("api", ["/api/ls", "/api/license"])
@pytest.mark.parametrize(
    ("pattern", "means"),
    [
        ("/builds/1/*.img.gz", "/builds/1/boot-1.0.img.gz"),
        ("/builds/latest/*.img.gz", "/builds/1/boot-1.0.img.gz"),
        ("/builds/1/%2A.img.gz", "/builds/1/boot-1.0.img.gz"),
        ("/builds/1/a%5B!2%5D.bin", "/builds/1/a1.bin"),
        ("/builds/1/folder*", "/builds/1/folder-x/"),
        ("/eula/gcc*", "/eula/gcc+1.img"),
        ("/builds/1/a*.bin", "ambiguous-pattern"),
        ("/builds/1/*.secre%3F", "not-found"),
        ("/builds/1/*.absent", "not-found"),
        ("/bui*/1/MD5SUMS", "not-found"),
    ],
)
def test_the_old_api_takes_a_wildcard_as_a_download_does(
    client: httpx.Client, api: str, pattern: str, means: str
) -> None:
    answer = client.get(api + pattern)
    if means.startswith("/"):
        assert answer.status_code == 200
        assert answer.json() == client.get(api + means).json()
    else:
        assert problem(answer) == problem(client.get(pattern)) == (404, means)


def test_a_pattern_made_to_be_slow_is_not(client: httpx.Client) -> None:
    answer = client.get("/slow/" + "*a" * 60 + "*z", timeout=60)
    assert answer.status_code == 404


def test_a_wildcard_is_no_longer_than_a_name_can_be(client: httpx.Client) -> None:
    assert client.get("/slow/" + "a" * 249 + "%3F").status_code == 200
    assert client.get("/slow/" + "*" * 255).status_code == 200
    assert problem(client.get("/slow/" + "*" * 256)) == (404, "not-found")
