"""What a 404 offers instead, and that it tells nobody more than the listings do."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import member
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store

HTML = {"Accept": "text/html"}
KEPT = {"cache_ttl": 600, "cache_grace": 600, "cache_max_stale": 6000}
STAFF_ONLY = b"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: open\nAuth-Groups: staff\n"
POLICY = """
[[rule]]
path = "releases/internal/**"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "releases/boot-secret.img"
tier = "private"
groups = ["staff"]
visibility = "hidden"
"""


def planted(*, with_hidden: bool) -> MemoryStore:
    store = MemoryStore()
    for name in ("boot.img", "kernel.img", "README.md", "v1.10.0/x", "v1.2.0/x", "Docs/guide.txt"):
        store.put(f"releases/{name}", b"x")
    for number in range(3000):
        store.put(f"many/build-{number}/x")
    if with_hidden:
        store.put("releases/internal/plan.txt")
        store.put("releases/internal/deep/er/plan.txt")
        store.put("releases/boot-secret.img")
    return store


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve_store(planted(with_hidden=True), policy=POLICY, **KEPT) as served:
        yield served


@pytest.fixture(scope="module")
def bare() -> Iterator[Site]:
    """The same without what is hidden."""
    with serve_store(planted(with_hidden=False), policy=POLICY, **KEPT) as served:
        yield served


@pytest.mark.parametrize(
    ("path", "parent", "near"),
    [
        ("/releases/bot.img", "/releases/", ["/releases/boot.img"]),
        ("/releases/BOOT.IMG", "/releases/", ["/releases/boot.img"]),
        ("/releases/docs/guide.txt", "/releases/", ["/releases/Docs/"]),
        ("/releases/docs/a/b/c/", "/releases/", ["/releases/Docs/"]),
        ("/releases/Docs/giude.txt", "/releases/Docs/", ["/releases/Docs/guide.txt"]),
        ("/releases/boot.img/", "/releases/", ["/releases/boot.img"]),
        ("/releases/v1.1.0/", "/releases/", ["/releases/v1.10.0/", "/releases/v1.2.0/"]),
        ("/relaeses/boot.img", "/", ["/releases/"]),
        ("/many/build-2999x/", "/many/", ["/many/build-2999/"]),
        ("/releases/nothing-like-it", "/releases/", []),
        (f"/releases/{'b' * 200}", "/releases/", []),
    ],
)
def test_the_nearest_folder_and_names_that_are_nearly_it(
    site: Site, path: str, parent: str, near: list[str]
) -> None:
    origin = str(site.http.base_url).rstrip("/")
    answer = site.http.get(path)
    assert answer.status_code == 404
    problem = answer.json()
    assert problem["parent"] == f"{origin}{parent}"
    found = [url.removeprefix(origin) for url in problem["near"]]
    assert found[: len(near)] == near
    assert bool(found) == bool(near)
    assert len(found) <= 3
    page = site.http.get(path, headers=HTML)
    assert page.status_code == 404
    assert f'href="{parent}">Folder above</a>' in page.text
    assert all(f'<a href="{href}"><bdi>' in page.text for href in near)
    assert ("Did you mean" in page.text) == bool(near)


SECRETS = (
    "/releases/internal/",
    "/releases/internal/plan.txt",
    "/releases/internal/plna.txt",
    "/releases/internal/deep/er/plan.txt",
    "/releases/internal/deep/",
    "/releases/boot-secret.img",
    "/releases/boot-secrte.img",
    "/releases/interna/",
)


@pytest.mark.parametrize("headers", [HTML, {"Accept": "*/*"}], ids=["page", "problem"])
@pytest.mark.parametrize("path", SECRETS)
def test_what_is_hidden_makes_no_difference(
    site: Site, bare: Site, path: str, headers: dict[str, str]
) -> None:
    def answered(of: Site) -> tuple[int, str, int]:
        calls = len(of.store.calls)
        answer = of.http.get(path, headers=headers)
        return (
            answer.status_code,
            answer.text.replace(str(of.http.base_url), "/"),
            len(of.store.calls) - calls,
        )

    for of in (site, bare):
        assert {of.http.get(known).status_code for known in ("/", "/releases/")} == {200}
    for _ in range(2):
        assert answered(site) == answered(bare)
        # Also when others have made the server read it.
        for of in (site, bare):
            of.http.get(path, headers=headers | member("staff"))


def test_members_are_offered_what_they_see(site: Site) -> None:
    problem = site.http.get("/releases/internal/plna.txt", headers=member("staff")).json()
    assert [url.rpartition("/")[2] for url in problem["near"]] == ["plan.txt"]
    strangers = site.http.get("/releases/boot-secrte.img").json()
    assert not [url for url in strangers["near"] if "secret" in url]


def test_a_single_hidden_name_does_not_push_visible_ones_away() -> None:
    """Of a long listing only some names are compared: those that are not seen do not count."""
    store = MemoryStore()
    for number in range(200):
        store.put(f"d/a{number:03}-hidden")
    store.put("d/a.image")
    store.put("d/b.image")
    policy = '[[rule]]\npath = "d/a*-hidden"\ntier = "private"\ngroups = ["staff"]\n'
    with serve_store(store, policy=policy, **KEPT) as site:
        near = site.http.get("/d/b.imagee").json()["near"]
        assert [url.rpartition("/")[2] for url in near] == ["b.image", "a.image"]


def test_below_a_root_path_and_in_the_whole_tree(site: Site) -> None:
    problem = site.http.get("/-/tree/releases/bot.img").json()
    assert problem["near"][0].endswith("/releases/boot.img")


def test_other_errors_have_none(site: Site) -> None:
    assert "near" not in site.http.get("/releases/?limit=0&format=json").json()
    assert isinstance(site.http, httpx.Client)


@pytest.mark.parametrize("name", ["BUILD-INFO.txt", "boot.img.EULA.txt", "absent.txt"])
def test_a_name_of_a_control_file_has_the_neighbours_of_an_absent_one_though_nothing_is_in_memory(
    name: str,
) -> None:
    store = planted(with_hidden=False)
    store.put("releases/BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: open\n")
    with serve_store(store, **KEPT) as site:
        assert site.http.get(f"/releases/{name}").json()["parent"].endswith("/releases/")
