"""Folders that stand for others, on a site that redirects: link files as publishing tools write them, and the store's own."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import httpx
import pytest

from tests.support.answers import all_of, member
from tests.support.live_server import app_over
from tests.support.served_store import Site
from tests.support.site_policies import MEMBERS_AND_VAULT
from tests.support.site_trees import DirectoryTree, MemoryTree, SiteTree, client_of

LINK_FILE = ".s3_linked_from"


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("builds/123/a/b.txt", b"123")
    tree.put("builds/123/f+1.img", b"123")
    for name in ("latest", "lastSuccessful"):
        tree.put(f"builds/{name}/{LINK_FILE}", b"builds/123")
        tree.put(f"{name}/{LINK_FILE}", b"/builds/123/\n")  # at the top
    tree.put(f"odd/latest/{LINK_FILE}", "odd/ü b+c#/1".encode())
    tree.put("odd/ü b+c#/1/f", b"odd")
    tree.put(f"chain/latest/{LINK_FILE}", b"builds/latest")
    tree.put(f"file/latest/{LINK_FILE}", b"builds/123/f+1.img")
    tree.put("real/latest/f", b"no link")
    tree.put(f"deep/latest/sub/latest/{LINK_FILE}", b"builds/123")
    tree.put(f"nested/latest/{LINK_FILE}", b"nested/1")
    tree.put(f"nested/1/latest/{LINK_FILE}", b"builds/123")
    tree.put(f"twice/latest/{LINK_FILE}", b"odd")
    tree.put(f"twice/latest/sub/latest/{LINK_FILE}", b"builds/123")
    for name, content in BROKEN.items():
        tree.put(f"{name}/latest/{LINK_FILE}", content)
    tree.put(f"circle2/latest/{LINK_FILE}", b"circle/latest")
    tree.put("members/1/f", b"x")
    tree.put("vault/1/f", b"x")
    tree.put(f"to-members/latest/{LINK_FILE}", b"members/1")
    tree.put(f"to-vault/latest/{LINK_FILE}", b"vault/1")
    tree.link("builds/stable", "builds/123")
    tree.link("builds/stable.img", "builds/123/f+1.img")
    tree.link("to-members-by-store", "members/1")
    tree.link("to-vault-by-store", "vault/1")
    with client_of(tree.app(policy=MEMBERS_AND_VAULT, links="redirect")) as http:
        yield http


BROKEN = {
    "empty": b"",
    "blank": b" \n",
    "slash": b"/",
    "host": b"//evil.example",
    "host-below": b"releases//evil.example",
    "url": b"https://evil.example/x",
    "up": b"../../etc",
    "self": b"self/latest",
    "inside": b"inside/latest/deeper",
    "not-text": b"\xff\xfe",
    "nul": b"builds\x00/123",
    "gone": b"builds/999",
    "prefix": b"builds/12",
    "circle": b"circle2/latest",
}


def assert_moved(answer: httpx.Response, location: str) -> None:
    assert (answer.status_code, answer.headers["location"]) == (302, location)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b"" or f'<a href="{escape(location)}">' in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/builds/latest/", "/builds/123/"),
        ("/builds/lastSuccessful/", "/builds/123/"),
        ("/latest/", "/builds/123/"),
        ("/lastSuccessful/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/latest/a/", "/builds/123/a/"),
        ("/builds/latest/f%2B1.img", "/builds/123/f+1.img"),
        ("/latest/f+1.img", "/builds/123/f+1.img"),
        ("/builds/latest/*.img", "/builds/123/*.img"),
        ("/builds/latest/?format=json&limit=1", "/builds/123/?format=json&limit=1"),
        ("/builds/latest/a/b.txt?x=%C3%BC&y=+", "/builds/123/a/b.txt?x=%C3%BC&y=+"),
        ("/odd/latest/", "/odd/%C3%BC%20b+c%23/1/"),
        ("/odd/latest/f", "/odd/%C3%BC%20b+c%23/1/f"),
        ("/chain/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/deep/latest/sub/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/nested/latest/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/twice/latest/sub/latest/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/stable/", "/builds/123/"),
        ("/builds/stable/a/b.txt", "/builds/123/a/b.txt"),
        ("/builds/stable/a/", "/builds/123/a/"),
        ("/builds/stable.img?x=1", "/builds/123/f+1.img?x=1"),
    ],
)
def test_a_link_leads_to_the_real_path_in_one_hop(
    client: httpx.Client, method: str, path: str, location: str
) -> None:
    assert_moved(client.request(method, path), location)
    assert client.request(method, location).status_code == 200


@pytest.mark.parametrize(
    "path", ["/builds/latest", "/latest", "/builds/latest?format=json", "/builds/stable"]
)
def test_a_link_without_its_slash_leads_there_too(client: httpx.Client, path: str) -> None:
    query = path.partition("?")[2]
    answer = httpx.get(client.base_url.join(path), follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.raw_path.decode() == "/builds/123/" + f"?{query}" * bool(query)
    assert len(answer.history) <= 2


def test_a_folder_called_latest_with_files_of_its_own_is_a_folder(client: httpx.Client) -> None:
    assert client.get("/real/latest/?format=text").text == "f\n"
    assert client.get("/real/latest/f").content == b"no link"


@pytest.mark.parametrize("name", BROKEN)
def test_a_link_that_leads_nowhere_reveals_nothing_and_never_leaves_the_site(
    client: httpx.Client, name: str
) -> None:
    for below in ("", "f", "a/b.txt", "evil.example", "?recursive=true"):
        answer = client.get(f"/{name}/latest/{below}")
        assert answer.status_code == (200 if below in ("", "?recursive=true") and name in EMPTY else 404)
        assert "location" not in answer.headers
        assert "evil.example" not in answer.text
    assert client.get(f"/api/ls/{name}/latest/").status_code == (200 if name in EMPTY else 404)


EMPTY = set(BROKEN) - {"gone", "prefix", "circle"}
"""What no link can mean is no link: the folder is shown as it is, without its link file."""


@pytest.mark.parametrize("link", ["to-members/latest/", "to-members-by-store/"])
def test_a_link_to_what_is_private_tells_strangers_nothing(client: httpx.Client, link: str) -> None:
    for below in ("", "f", "none"):
        answer = client.get(f"/{link}{below}")
        assert answer.status_code == 401
        assert "location" not in answer.headers
        assert b"members/1" not in answer.content
    assert_moved(client.get(f"/{link}f", headers=member("staff")), "/members/1/f")


@pytest.mark.parametrize("link", ["to-vault/latest/", "to-vault-by-store/"])
def test_a_link_to_what_is_hidden_is_not_found(client: httpx.Client, link: str) -> None:
    for below in ("", "f", "none"):
        assert all_of(client.get(f"/{link}{below}")) == all_of(client.get(f"/{link}{below}x/y"))
        assert client.get(f"/{link}{below}").status_code == 404
    assert_moved(client.get(f"/{link}f", headers=member("staff")), "/vault/1/f")


def test_a_link_is_a_folder_of_its_parents_listing_and_its_file_is_not_listed(client: httpx.Client) -> None:
    assert client.get("/builds/?format=text").text == "latest/\n123/\nlastSuccessful/\nstable/\nstable.img\n"
    assert client.get(f"/builds/latest/{LINK_FILE}").status_code in (302, 404)
    assert client.get(f"/builds/123/{LINK_FILE}").status_code == 404


@pytest.mark.parametrize(
    "path", ["builds/latest/", "builds/latest", "latest/", "chain/latest/", "builds/stable/"]
)
def test_the_api_lists_what_is_behind_a_link(client: httpx.Client, path: str) -> None:
    files = client.get(f"/api/ls/{path}").json()["files"]
    assert [item["url"] for item in files] == ["/builds/123/a/", "/builds/123/f+1.img"]


def test_the_api_finds_files_and_licences_behind_a_link(client: httpx.Client) -> None:
    (item,) = client.get("/api/ls/builds/latest/a/b.txt").json()["files"]
    assert (item["name"], item["url"]) == ("b.txt", "/builds/123/a/b.txt")
    assert client.get("/api/license/builds/latest/a/b.txt").json() == {"licenses": ["Open"]}
    for path in ("to-vault/latest/", "to-vault/latest/f", "to-members/latest/"):
        assert client.get(f"/api/ls/{path}").status_code == (401 if "members" in path else 404)


def test_the_prefix_of_a_bucket_is_taken_off_once_and_only_in_front() -> None:
    tree = MemoryTree()
    tree.put("x/1/f", b"x")
    tree.put("mirror/releases/1/f", b"x")
    tree.put(f"x/latest/{LINK_FILE}", b"releases/x/1")
    tree.put(f"mirror/latest/{LINK_FILE}", b"releases/mirror/releases/1")
    tree.put(f"plain/latest/{LINK_FILE}", b"x/1")
    with client_of(app_over(tree.store, storage="s3://bucket/releases/", links="redirect")) as http:
        assert_moved(http.get("/x/latest/f"), "/x/1/f")
        assert_moved(http.get("/mirror/latest/f"), "/mirror/releases/1/f")
        assert_moved(http.get("/plain/latest/f"), "/x/1/f")


@pytest.mark.parametrize("target", ["/etc", "../..", "nowhere", "latest"])
def test_a_symlink_out_of_the_tree_is_not_there(directory: DirectoryTree, target: str) -> None:
    directory.put("d/f", b"x")
    (directory.root / "d/latest").symlink_to(target)
    with client_of(directory.app()) as http:
        assert http.get("/d/?format=text").text == "f\n"
        for path in ("/d/latest/", "/d/latest", "/d/latest/hostname", "/api/ls/d/latest/"):
            assert http.get(path).status_code == 404


HOPS = "[[rule]]\npath = 'private'\ntier = 'private'\ngroups = ['staff']\n"


@pytest.mark.parametrize("is_by_policy", [True, False])
@pytest.mark.parametrize("below", ["", "/", "/f", "/absent", "/none/x"])
def test_every_hop_of_a_chain_in_a_directory_is_judged(
    directory: DirectoryTree, is_by_policy: bool, below: str
) -> None:
    directory.put("public/there/f", b"x")
    directory.put("private/there/f", b"x")
    if not is_by_policy:
        directory.put("private/BUILD-INFO.txt", GROUP_RULES)
        directory.put("private/there/BUILD-INFO.txt", GROUP_RULES)
    directory.link("private/hop", "public/there")
    for target in ("hop", "there", "absent"):
        directory.link(f"to-{target}", f"private/{target}")
        directory.link(f"far-{target}", f"to-{target}")
    with client_of(directory.app(policy=HOPS if is_by_policy else "", links="redirect")) as http:
        paths = ["private/absent", "to-absent", "far-absent", "to-hop", "far-hop", "to-there", "far-there"]
        if below:
            answers = [http.get(f"/{path}{below}") for path in paths]
            assert [(answer.status_code, "location" in answer.headers) for answer in answers] == [
                (401, False)
            ] * len(paths)
            assert all(all_of(answer) == all_of(answers[0]) for answer in answers)
        assert_moved(http.get("/far-hop/f", headers=member("staff")), "/public/there/f")
        assert http.get("/far-absent/f", headers=member("staff")).status_code == 404


@pytest.mark.parametrize("is_by_policy", [True, False])
def test_every_hop_to_a_file_in_a_directory_is_judged(directory: DirectoryTree, is_by_policy: bool) -> None:
    directory.put("public/f.img", b"x")
    directory.put("private/there.img", b"x")
    if not is_by_policy:
        directory.put("private/BUILD-INFO.txt", GROUP_RULES)
    directory.link("private/hop.img", "public/f.img")
    for target in ("hop", "there", "absent"):
        directory.link(f"to-{target}.img", f"private/{target}.img")
        directory.link(f"far-{target}.img", f"to-{target}.img")
    with client_of(directory.app(policy=HOPS if is_by_policy else "", links="redirect")) as http:
        for way in ("to", "far"):
            answers = [http.get(f"/{way}-{target}.img") for target in ("hop", "there", "absent")]
            assert [(answer.status_code, "location" in answer.headers) for answer in answers] == [
                (401, False)
            ] * 3
            assert all(all_of(answer) == all_of(answers[0]) for answer in answers)
        assert_moved(http.get("/far-hop.img", headers=member("staff")), "/public/f.img")
        assert http.get("/far-absent.img", headers=member("staff")).status_code == 404


def test_a_chain_that_is_too_long_is_not_followed_for_ever(site: Site) -> None:
    for n in range(100):
        site.store.put(f"d{n}/latest/{LINK_FILE}", f"d{n + 1}/latest".encode())
    assert site.http.get("/d0/latest/").status_code == 404
    assert len(site.store.calls) < 50


GROUP_RULES = b"Format-Version: 0.5\nFiles-Pattern: *,\nAuth-Groups: staff\n"


def test_a_link_to_what_is_private_and_absent_answers_like_one_to_what_is_there(memory: MemoryTree) -> None:
    memory.put("members/there/f", b"x")
    memory.put("shut/BUILD-INFO.txt", GROUP_RULES)
    memory.put("shut/there/BUILD-INFO.txt", GROUP_RULES)
    for area in ("members", "shut"):
        for target in ("there", "absent"):
            memory.put(f"{area}-{target}/latest/{LINK_FILE}", f"{area}/{target}".encode())
    with client_of(memory.app(policy=MEMBERS_AND_VAULT, links="redirect")) as http:
        for area in ("members", "shut"):
            for below in ("", "f", "none/x/"):
                answers = [http.get(f"/{area}-{target}/latest/{below}") for target in ("there", "absent")]
                assert answers[0].status_code == 401
                assert all_of(answers[0]) == all_of(answers[1])
    assert not [call for call in memory.store.calls if call.path.startswith("members/")]


@pytest.mark.parametrize("way", ["members/latest", "private/latest"])
def test_a_link_through_a_private_link_is_not_followed(memory: MemoryTree, way: str) -> None:
    memory.put("public/f", b"x")
    memory.put(f"{way}/{LINK_FILE}", b"public")
    memory.put("private/latest/BUILD-INFO.txt", GROUP_RULES)
    memory.put(f"open/latest/{LINK_FILE}", way.encode())
    with client_of(memory.app(policy=MEMBERS_AND_VAULT, links="redirect")) as http:
        for path in ("/open/latest/", "/open/latest/f", f"/{way}/", f"/{way}/f", "/api/ls/open/latest/"):
            answer = http.get(path)
            assert (answer.status_code, "location" in answer.headers) == (401, False)
        assert_moved(http.get("/open/latest/f", headers=member("staff")), "/public/f")
