"""Programs that read a listing's HTML as if it were a directory: every link must be an entry or a folder above."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.pierhead_process import run_pierhead
from tests.support.programs import run
from tests.support.published_tree import BIG, PUBLIC
from tests.support.publishing import Published

ODD_NAME = "a folder? yes & 100%"

SHOWN_BY = {
    "busybox": ("busybox", "wget", "-q", "-O", "-"),
    "curl": ("curl", "--silent", "--location"),
    "elinks": ("elinks", "-source"),
    "lynx": ("lynx", "-source"),
}

FSSPEC = """
import json, sys, fsspec
files = fsspec.filesystem("http")
url = sys.argv[1]
print(json.dumps({entry["name"]: entry["type"] for entry in files.ls(url, detail=True)}))
"""

FSSPEC_COPY = """
import os, sys, fsspec
files = fsspec.filesystem("http")
for url in files.find(sys.argv[1]):
    name = os.path.join("copy", url.removeprefix(sys.argv[1]))
    os.makedirs(os.path.dirname(name), exist_ok=True)
    files.get_file(url, name)
"""

HTMLLISTPARSE = """
import json, sys, htmllistparse
_, entries = htmllistparse.fetch_listing(sys.argv[1])
print(json.dumps([[entry.name, list(entry.modified or ())[:5], entry.size] for entry in entries]))
"""


def python(script: str, url: str, home: Path) -> str:
    """Run a script with this interpreter's libraries.

    Returns:
        What it prints.
    """
    result = run(sys.executable, "-c", script, url, home=home)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


def succeed(home: Path, *command: str) -> str:
    result = run(*command, home=home)
    assert result.returncode == 0, result.stderr.decode() + result.stdout.decode()
    return result.stdout.decode()


def below(folder: str) -> dict[str, bytes]:
    """Content by name, of everything that everybody may have below a folder of the tree."""
    return {path.removeprefix(folder): body for path, body in PUBLIC.items() if path.startswith(folder)}


def stored(directory: Path) -> dict[str, bytes]:
    """Content by name, of every file below a directory."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


class TestFsspec:
    """What pandas, dask and zarr read files by HTTP with."""

    def entries(self, url: str, home: Path) -> dict[str, str]:
        found: dict[str, str] = json.loads(python(FSSPEC, url, home))
        return {name.removeprefix(url): kind for name, kind in found.items()}

    @pytest.mark.parametrize("folder", ["tree/nested/one/", "tree/nested/"])
    def test_a_listing_has_the_entries_and_nothing_else(
        self, published: Published, home: Path, folder: str
    ) -> None:
        entries = self.entries(published.url_of(folder), home)
        names = {path.partition("/")[0] + "/" * ("/" in path) for path in below(folder)}
        assert {unquote(name) for name in entries} == names
        assert all((kind == "directory") == name.endswith("/") for name, kind in entries.items())

    def test_the_root_does_not_list_itself(self, published: Published, home: Path) -> None:
        assert self.entries(published.url + "/", home) == {"tree/": "directory", "odd/": "directory"}

    def test_a_tree_is_copied(self, published: Published, home: Path) -> None:
        python(FSSPEC_COPY, published.url_of("tree/nested/one/"), home)
        assert stored(home / "copy") == below("tree/nested/one/")


class TestHtmllistparse:
    def entries(self, url: str, home: Path) -> list[Any]:
        found: list[Any] = json.loads(python(HTMLLISTPARSE, url, home))
        return found

    def test_names_times_and_sizes(self, published_directory: Published, home: Path) -> None:
        entries = self.entries(published_directory.url_of("tree/nested/one/"), home)
        assert [entry[0] for entry in entries] == ["two/", "first.bin"]
        assert entries[1] == ["first.bin", [2017, 1, 20, 12, 0], 256]

    def test_odd_names(self, published: Published, home: Path) -> None:
        names = [entry[0] for entry in self.entries(published.url_of("tree/nested/"), home)]
        assert names == ["<img src=x onerror=alert(1)>/", f"{ODD_NAME}/", "one/"]


class TestRclone:
    def rclone(self, published: Published, home: Path, *arguments: str) -> str:
        return succeed(home, "rclone", "--http-url", published.url + "/", *arguments)

    def test_a_tree_is_listed(self, published: Published, home: Path) -> None:
        found = self.rclone(published, home, "lsf", "--recursive", "--files-only", ":http:tree/nested")
        assert set(found.splitlines()) == set(below("tree/nested/"))

    def test_a_tree_is_copied(self, published: Published, home: Path) -> None:
        self.rclone(published, home, "copy", ":http:tree/nested", "copy")
        assert stored(home / "copy") == below("tree/nested/")


class TestLftp:
    def test_a_tree_is_mirrored(self, published: Published, home: Path) -> None:
        succeed(home, "lftp", "-c", f"mirror --no-perms {published.url}/tree/nested/ copy")
        assert stored(home / "copy") == below("tree/nested/")


class TestWget2:
    OPTIONS = ("--quiet", "--recursive", "--no-parent", "--no-host-directories", "--tries=1")

    def test_a_tree_is_mirrored(self, published_directory: Published, home: Path) -> None:
        """From a directory: it stays on one host, so that it follows no redirect to a bucket."""
        succeed(home, "wget2", *self.OPTIONS, published_directory.url_of("tree/nested/one/"))
        found = {
            name: body
            for name, body in stored(home).items()
            if not name.endswith(("index.html", "ocsp", "hosts"))
        }
        assert found == {f"tree/nested/one/{name}": body for name, body in below("tree/nested/one/").items()}


class TestHttrack:
    def test_a_tree_is_mirrored(self, published_directory: Published, home: Path) -> None:
        """From a directory, as `wget2`."""
        url = published_directory.url_of("tree/nested/one/")
        succeed(home, "httrack", url, "-O", "copy", "-q", "-n", "-K", "--robots=0", f"+{url}*")
        bodies = list(stored(home / "copy").values())
        assert all(body in bodies for body in below("tree/nested/one/").values())


class TestElinks:
    def test_a_listing_has_one_line_for_each_entry(self, published: Published, home: Path) -> None:
        text = succeed(home, "elinks", "-dump", "-no-references", published.url_of("tree/nested/one/"))
        assert "first.bin" in text
        assert "two/" in text


class TestBusyboxWget:
    def test_a_file_comes_whole(self, published_directory: Published, home: Path) -> None:
        succeed(home, "busybox", "wget", "-q", published_directory.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == BIG


class TestWithoutItsSlash:
    """A folder's path as people type it, by programs that know only old redirects, or absolute ones."""

    @pytest.mark.parametrize("command", SHOWN_BY)
    def test_its_listing_comes(self, published_directory: Published, home: Path, command: str) -> None:
        text = succeed(home, *SHOWN_BY[command], published_directory.url_of("tree/nested/one"))
        assert '<a href="first.bin">' in text


class TestPathsAsTheyAreJoined:
    """What programs make of a base and a name, and what they do not encode."""

    def test_a_flat_repository_of_debian(self, tmp_path: Path, home: Path) -> None:
        """apt asks for `/repo/./Packages`; it is run in a directory of its own, as this user."""
        (tmp_path / "server").mkdir()
        repository = tmp_path / "tree/repo"
        repository.mkdir(parents=True)
        (repository / "Packages").write_text(
            "Package: hello\nVersion: 1\nArchitecture: all\nFilename: ./hello.deb\nSize: 1\n"
        )
        for name in ("state/lists/partial", "cache/archives/partial", "etc"):
            (home / name).mkdir(parents=True)
        with run_pierhead(f"file://{tmp_path / 'tree'}", tmp_path / "server") as server:
            (home / "etc/sources.list").write_text(f"deb [trusted=yes] {server.url}/repo ./\n")
            options = {
                "Dir::State": home / "state",
                "Dir::Cache": home / "cache",
                "Dir::Etc": home / "etc",
                "APT::Sandbox::User": "",
                "Acquire::Languages": "none",
            }
            settings = [f"-o{name}={value}" for name, value in options.items()]
            succeed(home, "apt-get", *settings, "--error-on=any", "update")
        assert list((home / "state/lists").glob("*Packages*"))

    def test_two_slashes(self, published_directory: Published, home: Path) -> None:
        text = succeed(home, "curl", "--silent", f"{published_directory.url}//tree//nested/one/two/three.txt")
        assert text == "three\n"

    def test_a_name_that_is_not_encoded(self, tmp_path: Path, home: Path) -> None:
        (tmp_path / "server").mkdir()
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree/ü.txt").write_bytes(b"u\n")
        with run_pierhead(f"file://{tmp_path / 'tree'}", tmp_path / "server") as server:
            assert succeed(home, "busybox", "wget", "-q", "-O", "-", f"{server.url}/ü.txt") == "u\n"
