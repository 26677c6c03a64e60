"""curl gets a manifest, and sha256sum checks a copy of the tree by it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.entries import Digest
from app.domain.errors import StoreUnavailable
from tests.support.live_server import LiveServer, live_server
from tests.support.programs import run
from tests.support.site_trees import MemoryTree

PARTIAL = 18
"""curl's exit status for an answer that ended too early."""
FILES = {
    name: name.encode()
    for name in (
        "a",
        "b/-",
        "b/c d",
        "b/back\\slash",
        "b/*",
        "b/\u00fc",
        "b/ leading",
        "b/#",
        "z~/\\n",
        "x" * 200,
    )
}


@pytest.fixture
def tree() -> MemoryTree:
    tree = MemoryTree()
    for name, content in FILES.items():
        tree.put(name, content, digests=(Digest("sha-256", hashlib.sha256(content).digest()),))
    return tree


@pytest.fixture
def server(tree: MemoryTree) -> Iterator[LiveServer]:
    with live_server(tree.app()) as running:
        yield running


@pytest.fixture
def copy(home: Path) -> Path:
    for name, content in FILES.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(content)
    return home


def fetch(home: Path, url: str) -> subprocess.CompletedProcess[bytes]:
    return run("curl", "--silent", "--show-error", "--fail", "--output", home / "SHA256SUMS", url, home=home)


def check(home: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    return run("sha256sum", "--check", "--quiet", *options, "SHA256SUMS", home=home)


def test_every_file_is_found_and_right(server: LiveServer, copy: Path) -> None:
    assert fetch(copy, f"{server.url}/api/v1/manifest/?format=text").returncode == 0
    assert len((copy / "SHA256SUMS").read_bytes().splitlines()) == len(FILES)
    checked = check(copy, "--strict")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_right_is_told(server: LiveServer, copy: Path, name: str) -> None:
    fetch(copy, f"{server.url}/api/v1/manifest/?format=text")
    (copy / name).write_bytes(b"altered")
    checked = check(copy)
    assert checked.returncode == 1
    assert checked.stdout.count(b"FAILED") == 1


def test_a_list_that_lacks_a_file_is_checked_with_a_warning_and_strictly_not_at_all(
    server: LiveServer, copy: Path, tree: MemoryTree
) -> None:
    tree.put("without", b"x")
    fetch(copy, f"{server.url}/api/v1/manifest/?format=text")
    lenient, strict = check(copy), check(copy, "--strict")
    assert lenient.returncode == 0
    assert b"1 line is improperly formatted" in lenient.stderr
    assert strict.returncode == 1


@pytest.mark.parametrize("path", ["/?recursive=true", "/api/v1/manifest/", "/api/v1/manifest/?format=text"])
def test_a_stream_that_breaks_off_is_no_success(
    server: LiveServer, home: Path, tree: MemoryTree, path: str
) -> None:
    tree.store.page_entries = 2
    for number in range(50):
        tree.put(f"m/{number:02}/f")
    tree.store.fail_on("walk", StoreUnavailable("timeout"), path="m/40/f")
    result = fetch(home, server.url + path)
    assert result.returncode == PARTIAL
    assert (home / "SHA256SUMS").stat().st_size > 0
