"""Rules that are there and cannot be read, above all on a disk: 503 until they can, and never an open folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.domain.errors import StoreDenied, StoreUnavailable
from tests.support.answers import BROWSER, member, problem
from tests.support.site_trees import DirectoryTree, Site, client_of

OPEN = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n"
FOR_STAFF = OPEN + b"Auth-Groups: staff\n"
EVERYTHING = (
    "/d/",
    "/d/f",
    "/d/none",
    "/d/?format=json",
    "/d/?recursive=true",
    "/api/ls/d/",
    "/api/license/d/f",
)


class DirectorySite:
    """A directory and a client of a server over it."""

    def __init__(self, tree: DirectoryTree, client: httpx.Client) -> None:
        self.tree = tree
        self.client = client

    def fresh_folder(self, name: str) -> Path:
        """A folder with one file in it."""
        self.tree.put(f"{name}/f", b"x")
        return self.tree.root / name


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectorySite]:
    tree = DirectoryTree(tmp_path_factory.mktemp("site") / "tree")
    tree.put("shared/rules.txt", FOR_STAFF)
    (tree.root.parent / "outside.txt").write_bytes(OPEN)
    with client_of(tree.app()) as client:
        yield DirectorySite(tree, client)


def assert_unreadable(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> None:
    for way in ("GET", "HEAD"):
        answer = client.request(way, path, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("headers", [{}, member("staff"), BROWSER])
def test_whoever_asks_is_told_the_same(site: Site, headers: dict[str, str]) -> None:
    site.tree.put("d/BUILD-INFO.txt", FOR_STAFF)
    site.tree.put("d/f", b"x")
    site.tree.store.fail_on("get", StoreUnavailable("timeout"), path="d/BUILD-INFO.txt")
    for path in EVERYTHING:
        assert_unreadable(site.client, path, headers)
    assert site.client.get("/?format=text").text == "d/\n"


def test_an_open_eula_beside_them_opens_nothing(site: Site) -> None:
    site.tree.put("d/BUILD-INFO.txt", FOR_STAFF)
    site.tree.put("d/OPEN-EULA.txt")
    site.tree.put("d/secret.bin", b"x")
    site.tree.store.fail_on("get", StoreDenied(), path="d/BUILD-INFO.txt")
    assert site.client.get("/d/secret.bin").status_code == 502
    assert site.client.get("/d/").status_code == 502


def test_the_folder_is_back_as_soon_as_its_rules_are(site: Site) -> None:
    site.tree.put("d/BUILD-INFO.txt", OPEN)
    site.tree.put("d/f", b"x")
    site.tree.store.fail_on("get", StoreUnavailable("timeout"), path="d/BUILD-INFO.txt")
    assert site.client.get("/d/f").status_code == 503
    site.tree.store.fail_on("get", None, path="d/BUILD-INFO.txt")
    assert site.client.get("/d/f").content == b"x"


def test_a_script_is_told_why_and_when_to_come_again(site: Site) -> None:
    site.tree.put("d/BUILD-INFO.txt", OPEN)
    site.tree.store.fail_on("get", StoreUnavailable("timeout"), path="d/BUILD-INFO.txt")
    answer = site.client.get("/d/")
    assert problem(answer) == (503, "storage-unavailable")
    assert answer.json()["reason"] == "timeout"


@pytest.mark.parametrize("control", ["BUILD-INFO.txt", "EULA.txt", "f.EULA.txt.ste"])
@pytest.mark.parametrize("target", ["nowhere", "../../outside.txt", "/etc/hostname", "self"])
def test_a_control_file_that_is_a_broken_link_closes_the_folder(
    local: DirectorySite, control: str, target: str
) -> None:
    name = f"{control} to {target.strip('./').replace('/', ' ')}"
    (local.fresh_folder(name) / control).symlink_to(control if target == "self" else target)
    for path in (f"/{name}/", f"/{name}/f", f"/{name}/none", f"/api/ls/{name}/", f"/api/license/{name}/f"):
        assert_unreadable(local.client, path)
        assert_unreadable(local.client, path, member("staff"))


def test_a_control_file_that_is_a_pipe_closes_the_folder(local: DirectorySite) -> None:
    os.mkfifo(local.fresh_folder("pipe") / "BUILD-INFO.txt")
    for path in ("/pipe/", "/pipe/f"):
        assert_unreadable(local.client, path)


@pytest.mark.parametrize("control", ["BUILD-INFO.txt", "OPEN-EULA.txt", "f.EULA.txt", ".s3_linked_from"])
@pytest.mark.parametrize("target", ["../shared/rules.txt", "chain", "../shared", "../secret/f"])
def test_a_control_file_that_is_a_link_closes_the_folder(
    local: DirectorySite, control: str, target: str
) -> None:
    """Followed, it would publish the text of its target as a licence, or as what is wrong with it."""
    local.tree.put("secret/BUILD-INFO.txt", FOR_STAFF)
    local.tree.put("secret/f", b"the secret text")
    folder = local.fresh_folder(f"{control} by {target.replace('/', ' ')}")
    (folder / "chain").symlink_to("../shared/rules.txt")
    (folder / control).symlink_to(target)
    for path in (f"/{folder.name}/", f"/{folder.name}/f", f"/api/license/{folder.name}/f"):
        for headers in ({}, member("staff")):
            answer = local.client.get(path, headers=headers)
            assert problem(answer) == (503, "storage-unavailable")
            assert b"the secret text" not in answer.content


def test_other_broken_links_are_left_out_and_not_found(local: DirectorySite) -> None:
    folder = local.fresh_folder("ordinary")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "out").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    assert local.client.get("/ordinary/?format=text").text == "f\n"
    for name in ("dangling", "out", "pipe"):
        assert local.client.get(f"/ordinary/{name}").status_code == 404
        assert local.client.get(f"/api/ls/ordinary/{name}").status_code == 404


def test_a_sibling_of_the_root_is_out_of_reach(local: DirectorySite) -> None:
    beside = local.tree.root.parent / f"{local.tree.root.name}-private"
    beside.mkdir()
    (beside / "secret.txt").write_bytes(b"secret")
    (local.fresh_folder("climbing") / "up").symlink_to(beside)
    for path in (
        f"/{beside}/secret.txt",
        "/climbing/up/secret.txt",
        f"/../{beside.name}/secret.txt",
        "/climbing/up/",
    ):
        answer = httpx.get(str(local.client.base_url).rstrip("/") + path)
        assert answer.status_code == 404
        assert b"secret.txt" not in answer.content
