"""Rules that are there and cannot be read, above all on a disk: 503 until they can, and never an open folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.domain.errors import StoreDenied, StoreUnavailable
from tests.support.answers import BROWSER, member, problem
from tests.support.served_store import Site
from tests.support.site_trees import DirectoryTree, client_of

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that is published."""
    tree = DirectoryTree(tmp_path_factory.mktemp("site") / "tree")
    tree.put("shared/rules.txt", FOR_STAFF)
    (tree.root.parent / "outside.txt").write_bytes(OPEN)
    return tree.root


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[httpx.Client]:
    with client_of(DirectoryTree(root).app()) as http:
        yield http


def fresh_folder(root: Path, name: str) -> Path:
    """A folder with one file in it."""
    DirectoryTree(root).put(f"{name}/f", b"x")
    return root / name


def assert_unreadable(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> None:
    for way in ("GET", "HEAD"):
        answer = client.request(way, path, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("headers", [{}, member("staff"), BROWSER])
def test_whoever_asks_is_told_the_same(site: Site, headers: dict[str, str]) -> None:
    site.store.put("d/BUILD-INFO.txt", FOR_STAFF)
    site.store.put("d/f", b"x")
    site.store.fail_on("get", StoreUnavailable("timeout"), path="d/BUILD-INFO.txt")
    for path in EVERYTHING:
        assert_unreadable(site.http, path, headers)
    assert site.http.get("/?format=text").text == "d/\n"


def test_an_open_eula_beside_them_opens_nothing(site: Site) -> None:
    site.store.put("d/BUILD-INFO.txt", FOR_STAFF)
    site.store.put("d/OPEN-EULA.txt")
    site.store.put("d/secret.bin", b"x")
    site.store.fail_on("get", StoreDenied(), path="d/BUILD-INFO.txt")
    assert site.http.get("/d/secret.bin").status_code == 502
    assert site.http.get("/d/").status_code == 502


def test_the_folder_is_back_as_soon_as_its_rules_are(site: Site) -> None:
    site.store.put("d/BUILD-INFO.txt", OPEN)
    site.store.put("d/f", b"x")
    site.store.fail_on("get", StoreUnavailable("timeout"), path="d/BUILD-INFO.txt")
    assert site.http.get("/d/f").status_code == 503
    site.store.fail_on("get", None, path="d/BUILD-INFO.txt")
    assert site.http.get("/d/f").content == b"x"


def test_a_script_is_told_why_and_when_to_come_again(site: Site) -> None:
    site.store.put("d/BUILD-INFO.txt", OPEN)
    site.store.fail_on("get", StoreUnavailable("timeout"), path="d/BUILD-INFO.txt")
    answer = site.http.get("/d/")
    assert problem(answer) == (503, "storage-unavailable")
    assert answer.json()["reason"] == "timeout"


@pytest.mark.parametrize("control", ["BUILD-INFO.txt", "EULA.txt", "f.EULA.txt.ste"])
@pytest.mark.parametrize("target", ["nowhere", "../../outside.txt", "/etc/hostname", "self"])
def test_a_control_file_that_is_a_broken_link_closes_the_folder(
    root: Path, client: httpx.Client, control: str, target: str
) -> None:
    name = f"{control} to {target.strip('./').replace('/', ' ')}"
    (fresh_folder(root, name) / control).symlink_to(control if target == "self" else target)
    for path in (f"/{name}/", f"/{name}/f", f"/{name}/none", f"/api/ls/{name}/", f"/api/license/{name}/f"):
        assert_unreadable(client, path)
        assert_unreadable(client, path, member("staff"))


def test_a_control_file_that_is_a_pipe_closes_the_folder(root: Path, client: httpx.Client) -> None:
    os.mkfifo(fresh_folder(root, "pipe") / "BUILD-INFO.txt")
    for path in ("/pipe/", "/pipe/f"):
        assert_unreadable(client, path)


@pytest.mark.parametrize("control", ["BUILD-INFO.txt", "OPEN-EULA.txt", "f.EULA.txt", ".s3_linked_from"])
@pytest.mark.parametrize("target", ["../shared/rules.txt", "chain", "../shared", "../secret/f"])
def test_a_control_file_that_is_a_link_closes_the_folder(
    root: Path, client: httpx.Client, control: str, target: str
) -> None:
    """Followed, it would publish the text of its target as a licence, or as what is wrong with it."""
    tree = DirectoryTree(root)
    tree.put("secret/BUILD-INFO.txt", FOR_STAFF)
    tree.put("secret/f", b"the secret text")
    folder = fresh_folder(root, f"{control} by {target.replace('/', ' ')}")
    (folder / "chain").symlink_to("../shared/rules.txt")
    (folder / control).symlink_to(target)
    for path in (f"/{folder.name}/", f"/{folder.name}/f", f"/api/license/{folder.name}/f"):
        for headers in ({}, member("staff")):
            answer = client.get(path, headers=headers)
            assert problem(answer) == (503, "storage-unavailable")
            assert b"the secret text" not in answer.content


def test_other_broken_links_are_left_out_and_not_found(root: Path, client: httpx.Client) -> None:
    folder = fresh_folder(root, "ordinary")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "out").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    assert client.get("/ordinary/?format=text").text == "f\n"
    for name in ("dangling", "out", "pipe"):
        assert client.get(f"/ordinary/{name}").status_code == 404
        assert client.get(f"/api/ls/ordinary/{name}").status_code == 404


def test_a_sibling_of_the_root_is_out_of_reach(root: Path, client: httpx.Client) -> None:
    beside = root.parent / f"{root.name}-private"
    beside.mkdir()
    (beside / "secret.txt").write_bytes(b"secret")
    (fresh_folder(root, "climbing") / "up").symlink_to(beside)
    for path in (
        f"/{beside}/secret.txt",
        "/climbing/up/secret.txt",
        f"/../{beside.name}/secret.txt",
        "/climbing/up/",
    ):
        answer = httpx.get(str(client.base_url).rstrip("/") + path)
        assert answer.status_code == 404
        assert b"secret.txt" not in answer.content
