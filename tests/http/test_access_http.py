"""The tiers over HTTP, and what those learn who are not let in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import BROWSER, SCRIPT, all_of, member, problem
from tests.support.site_trees import MemoryTree, SiteTree, client_of

POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff", "board"]

[[rule]]
path = "shown"
tier = "private"
groups = ["staff"]
visibility = "listed"

[[rule]]
path = "vault"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "hwpacks"
tier = "public"
override = true

[[rule]]
path = "paid"
tier = "eula"
licence_text = "Pay first."
licence_name = "paid"
"""
GROUP_INFO = b"Format-Version: 0.5\nFiles-Pattern: *.txt,\nAuth-Groups: staff\nLicense-Type: open\n"
LICENSED = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\nLicense-Text: Be nice.\n"


def plant(tree: SiteTree) -> None:
    for folder in ("public", "members", "shown", "vault", "vault/deep", "paid", "hwpacks", "hwpacks2"):
        tree.put(f"{folder}/f.txt", b"content")
    for folder in ("hwpacks", "hwpacks2"):
        tree.put(f"{folder}/BUILD-INFO.txt", LICENSED)
    tree.put("by-file/BUILD-INFO.txt", GROUP_INFO)
    tree.put("by-file/f.txt", b"content")


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    plant(tree)
    with client_of(tree.app(policy=POLICY)) as http:
        yield http


@pytest.fixture(scope="module")
def bare() -> Iterator[httpx.Client]:
    """The same site without anything private in it, and without a rule that speaks of such a thing."""
    tree = MemoryTree()
    tree.put("public/f.txt", b"content")
    with client_of(tree.app()) as http:
        yield http


@pytest.mark.parametrize(
    "path", ["/members/", "/members/f.txt", "/by-file/", "/by-file/f.txt", "/shown/f.txt"]
)
def test_a_private_path_is_for_members(client: httpx.Client, path: str) -> None:
    stranger = client.get(path)
    assert problem(stranger) == (401, "login-required")
    assert "Bearer" in stranger.headers["www-authenticate"]
    assert "Basic" in stranger.headers["www-authenticate"]
    other = client.get(path, headers=member("guests"))
    assert problem(other) == (403, "group-required")
    assert "staff" in other.json()["groups"]
    assert client.get(path, headers=member("guests", "staff")).status_code == 200


@pytest.mark.parametrize("headers", [SCRIPT, BROWSER, member("guests"), member("guests") | BROWSER])
def test_what_is_said_of_a_private_path_does_not_depend_on_its_being_there(headers: dict[str, str]) -> None:
    urls = [f"/{folder}/{name}" for folder in ("members", "by-file") for name in ("f.txt", "f.t*")]
    urls += ["/members/sub", "/members/sub/", "/members/sub/f.txt", "/api/ls/members/sub/"]
    answers = []
    for is_there in (True, False):
        tree = MemoryTree()
        tree.put("by-file/BUILD-INFO.txt", GROUP_INFO)
        for name in ("members/f.txt", "members/sub/f.txt", "by-file/f.txt") * is_there:
            tree.put(name, b"content")
        with client_of(tree.app(policy=POLICY)) as http:
            answers.append(
                [all_of(http.request(way, url, headers=headers)) for url in urls for way in ("GET", "HEAD")]
            )
    assert answers[0] == answers[1]
    assert {status for status, _, _ in answers[0]} <= {401, 403, 404}


@pytest.mark.parametrize("accept", [BROWSER, SCRIPT])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/vault/", "/vault", "/vault/f.txt", "/vault/none", "/vault/deep/", "/vault/deep/f.txt", "/vault/f.*",
        "/vault/?recursive=true", "/vault/?format=json", "/api/ls/vault/", "/api/ls/vault", "/api/ls/vault/f.txt",
        "/api/license/vault/f.txt", "/license?lic=00000000000000000000000000000000&url=vault/f.txt",
    ],
)  # fmt: skip
def test_hidden_is_the_same_bytes_as_not_there(
    client: httpx.Client, bare: httpx.Client, path: str, method: str, accept: dict[str, str]
) -> None:
    hidden, absent = (http.request(method, path, headers=accept) for http in (client, bare))
    assert hidden.status_code == 404
    assert all_of(hidden) == all_of(absent)


def test_hidden_is_hidden_from_other_members_and_not_from_its_own(client: httpx.Client) -> None:
    guest, nobody = member("guests"), client.get("/none/f.txt")
    assert all_of(client.get("/vault/f.txt", headers=guest)) == all_of(nobody)
    assert client.get("/vault/f.txt", headers=member("staff")).content == b"content"
    assert "vault/" in client.get("/?format=text", headers=member("staff")).text.splitlines()


@pytest.mark.parametrize("path", ["/public/BUILD-INFO.txt", "/by-file/BUILD-INFO.txt", "/public/EULA.txt"])
def test_a_control_file_is_the_same_bytes_as_not_there(
    client: httpx.Client, bare: httpx.Client, path: str
) -> None:
    folder_is_private = path.startswith("/by-file/")
    headers = member("staff") if folder_is_private else {}
    assert all_of(client.get(path, headers=headers)) == all_of(bare.get(path, headers=headers))


def test_each_listing_shows_what_its_rules_let_strangers_know(client: httpx.Client) -> None:
    strangers = {line["name"]: line for line in client.get("/?format=json").json()["entries"]}
    assert {"members", "vault"}.isdisjoint(strangers)
    assert (strangers["shown"]["locked"], strangers["shown"]["access"]) == (True, "private")
    assert strangers["public"]["locked"] is False
    members = {
        line["name"]: line for line in client.get("/?format=json", headers=member("staff")).json()["entries"]
    }
    assert members.keys() >= {"members", "vault", "shown"}
    assert members["shown"]["locked"] is False


@pytest.mark.parametrize("visibility", ["unlisted", "listed", "hidden"])
def test_one_word_sets_what_strangers_learn_everywhere(memory: MemoryTree, visibility: str) -> None:
    memory.put("d/BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *.bin\nAuth-Groups: staff\n")
    memory.put("d/f.bin", b"x")
    with client_of(memory.app(policy=f'private_entries = "{visibility}"')) as http:
        assert http.get("/d/?format=text").text == ("f.bin\n" if visibility == "listed" else "")
        assert http.get("/d/f.bin").status_code == (404 if visibility == "hidden" else 401)
        assert http.get("/d/f.bin", headers=member("staff")).content == b"x"


def test_a_rule_is_about_whole_segments(client: httpx.Client) -> None:
    assert client.get("/hwpacks/f.txt").content == b"content"  # the rule overrides its folder's licence
    assert problem(client.get("/hwpacks2/f.txt")) == (403, "licence-required")


def test_a_licence_of_the_site_policy_is_asked_for(client: httpx.Client) -> None:
    refused = client.get("/paid/f.txt")
    assert problem(refused) == (403, "licence-required")
    assert [licence["name"] for licence in refused.json()["licences"]] == ["paid"]
    assert client.get("/paid/f.txt", headers=refused.json()["accept_with"]).content == b"content"


def test_with_nothing_said_the_default_decides(memory: MemoryTree) -> None:
    memory.put("d/f", b"x")
    with client_of(memory.app(default_tier="closed")) as http:
        assert problem(http.get("/d/f")) == (403, "refused")
        assert problem(http.get("/d/f", headers=member("staff"))) == (403, "refused")
        assert http.get("/d/?format=text").text == "f\n"


def test_a_page_made_for_a_member_is_never_shown_to_another(memory: MemoryTree) -> None:
    plant(memory)
    kept = {"cache_ttl": 60, "cache_grace": 60, "cache_max_stale": 60}
    with client_of(memory.app(policy=POLICY, **kept)) as http:
        staff = http.get("/?format=text", headers=member("staff")).text
        assert http.get("/members/f.txt", headers=member("staff")).status_code == 200
        assert http.get("/?format=text", headers=member("guests")).text == http.get("/?format=text").text
        assert set(staff.splitlines()) - set(http.get("/?format=text").text.splitlines()) == {
            "members/",
            "vault/",
        }
        assert http.get("/members/").status_code == http.get("/members/f.txt").status_code == 401
        assert http.get("/?format=text", headers=member("staff")).text == staff


def test_a_script_that_is_refused_learns_what_to_send(client: httpx.Client) -> None:
    refused = client.get("/paid/f.txt", headers=SCRIPT)
    problem, url = refused.json(), str(refused.url)
    digest = problem["licences"][0]["digest"]
    assert f"'License-Accepted: {digest}'" in problem["detail"]
    assert problem["hint"] == f"curl --fail-with-body -LO -H 'License-Accepted: {digest}' {url}"
    assert problem["licences"][0]["text_url"].startswith(url.removesuffix("/paid/f.txt"))
    assert refused.links["license"]["url"] == problem["licences"][0]["text_url"]
    assert refused.links["help"]["url"].startswith(url.removesuffix("/paid/f.txt"))


def test_who_lacks_a_token_learns_which_field_to_send(client: httpx.Client) -> None:
    refused = client.get("/members/f.txt", headers=SCRIPT)
    assert refused.status_code == 401
    assert "'Authorization: Bearer TOKEN'" in refused.json()["detail"]
    assert "Authorization: Bearer TOKEN" in refused.json()["hint"]
