"""wget: what mirrors a tree, and what sends its credentials on to wherever it is redirected."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from app.responses.folder_listing import PAGE_ROWS
from tests.support.pierhead_process import run_pierhead
from tests.support.programs import run
from tests.support.published_tree import BIG, LICENCE, MODIFIED, PUBLIC, RESTRICTED
from tests.support.publishing import Published

SERVER_REFUSED = 8
"""wget's exit status where one of the answers was an error."""

EVERYBODYS = {path: content for path, content in PUBLIC.items() if path.startswith("tree/")}

NETRC_ALWAYS = ("--auth-no-challenge",)
NETRC_WHEN_ASKED = ()


def wget(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run it; names are to be stored as they are, which in UTF-8 takes an option."""
    return run("wget", "--no-verbose", "--tries=1", "--restrict-file-names=nocontrol", *arguments, home=home)


def succeed(home: Path, *arguments: str) -> None:
    result = wget(home, *arguments)
    assert result.returncode == 0, result.stderr.decode()


def mirrored(home: Path) -> dict[str, bytes]:
    """Every file that wget has stored, but the listings themselves."""
    files = {str(path.relative_to(home)): path for path in home.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes() for name, path in files.items() if path.name not in ("index.html", ".netrc")
    }


class TestDownload:
    def test_a_file_comes_whole(self, published: Published, home: Path) -> None:
        succeed(home, published.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == BIG

    def test_it_keeps_its_name_wherever_it_is_redirected(self, published: Published, home: Path) -> None:
        succeed(home, published.url_of("tree/odd/a?b"))
        assert [path.name for path in home.iterdir()] == ["a?b"]

    def test_only_what_is_missing_is_fetched(self, published: Published, home: Path) -> None:
        here = b"-" * 4_000_001
        (home / "big.img").write_bytes(here)
        succeed(home, "--continue", published.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == here + BIG[len(here) :]

    def test_nothing_is_fetched_where_nothing_is_missing(self, published: Published, home: Path) -> None:
        here = b"-" * len(BIG)
        (home / "big.img").write_bytes(here)
        succeed(home, "--continue", published.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == here

    def test_a_licence_may_be_accepted_by_header(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/licensed/board.img")
        assert wget(home, url).returncode == SERVER_REFUSED
        succeed(home, "--header", f"License_Accepted: {LICENCE.digest}", url)
        assert mirrored(home) == {"board.img": RESTRICTED["tree/licensed/board.img"]}


class TestSpider:
    def test_a_file_is_there(self, published: Published, home: Path) -> None:
        result = wget(home, "--spider", "--server-response", published.url_of("tree/big.img"))
        assert result.returncode == 0
        assert f"content-length: {len(BIG)}\n" in result.stderr.decode().lower()
        assert not list(home.iterdir())
        assert published.s3 is None or not published.s3.seen_from("wget")

    @pytest.mark.parametrize("path", ["tree/absent.img", "tree/licensed/board.img", "tree/members/plan.txt"])
    def test_a_file_cannot_be_had(self, published: Published, home: Path, path: str) -> None:
        assert wget(home, "--spider", published.url_of(path)).returncode != 0


class TestTimestamping:
    def test_what_has_not_changed_is_not_fetched_again(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/notes.txt")
        succeed(home, "--timestamping", url)
        stored = home / "notes.txt"
        assert stored.read_bytes() == PUBLIC["tree/notes.txt"]
        modified = stored.stat().st_mtime
        mine = b"#" * stored.stat().st_size
        stored.write_bytes(mine)
        os.utime(stored, (modified, modified))
        succeed(home, "--timestamping", url)
        assert stored.read_bytes() == mine

    def test_what_is_newer_is_fetched(self, published: Published, home: Path) -> None:
        stored = home / "notes.txt"
        stored.write_bytes(b"old")
        os.utime(stored, (MODIFIED - 1, MODIFIED - 1))
        succeed(home, "--timestamping", published.url_of("tree/notes.txt"))
        assert stored.read_bytes() == PUBLIC["tree/notes.txt"]


class TestMirror:
    """`wget -r -np -nH`: every public file under its own name, and nothing else."""

    OPTIONS = ("--recursive", "--level=inf", "--no-parent", "--no-host-directories")

    def test_what_everybody_may_have(self, published: Published, home: Path) -> None:
        result = wget(home, *self.OPTIONS, published.url_of("tree/"))
        assert result.returncode == SERVER_REFUSED  # for the licensed files, which it tried as well
        assert mirrored(home) == EVERYBODYS

    def test_with_the_licence(self, published: Published, home: Path) -> None:
        accepted = ("--header", f"License-Accepted: {LICENCE.digest}")
        wget(home, *self.OPTIONS, *accepted, published.url_of("tree/licensed/"))
        licensed = {path for path in PUBLIC | RESTRICTED if path.startswith("tree/licensed/")}
        needs_both = {"tree/licensed/both.img"}
        assert mirrored(home).keys() == licensed - needs_both
        assert mirrored(home).items() <= (PUBLIC | RESTRICTED).items()

    def test_a_second_time_only_what_is_missing(self, published: Published, home: Path) -> None:
        once = ("--recursive", "--no-parent", "--no-host-directories", "--timestamping")
        succeed(home, *once, published.url_of("tree/nested/one/"))
        (home / "tree/nested/one/two/three.txt").unlink()
        succeed(home, *once, published.url_of("tree/nested/one/"))
        assert mirrored(home) == {
            path: content for path, content in PUBLIC.items() if path.startswith("tree/nested/one/")
        }

    def test_what_is_behind_a_link(self, tmp_path: Path, home: Path) -> None:
        (tmp_path / "server").mkdir()
        (tmp_path / "tree/builds/17/logs").mkdir(parents=True)
        (tmp_path / "tree/builds/17/logs/build.txt").write_bytes(b"built\n")
        (tmp_path / "tree/builds/latest").symlink_to("17")
        with run_pierhead(f"file://{tmp_path / 'tree'}", tmp_path / "server") as server:
            succeed(home, *self.OPTIONS, f"{server.url}/builds/latest/")
            succeed(home, f"{server.url}/builds/latest/logs/build.txt")
        assert mirrored(home) == {"builds/latest/logs/build.txt": b"built\n", "build.txt": b"built\n"}

    @pytest.mark.parametrize("accept", ["*/*", "text/html"], ids=["as usual", "as a browser"])
    def test_a_folder_of_more_than_one_page(self, tmp_path: Path, home: Path, accept: str) -> None:
        """As a browser, it follows the links to the other pages; else it gets all on one."""
        count = PAGE_ROWS + 200
        (tmp_path / "server").mkdir()
        (tmp_path / "tree/many").mkdir(parents=True)
        for number in range(count):
            (tmp_path / f"tree/many/{number}.txt").write_text(f"{number}\n")
        with run_pierhead(f"file://{tmp_path / 'tree'}", tmp_path / "server") as server:
            succeed(home, *self.OPTIONS, "--header", f"Accept: {accept}", f"{server.url}/many/")
        pages = {path.name for path in (home / "many").iterdir() if path.name.startswith("index.html")}
        assert len(pages) == (1 if accept == "*/*" else 2)
        files = {path.name: path.read_text() for path in (home / "many").iterdir() if path.name not in pages}
        assert files == {f"{number}.txt": f"{number}\n" for number in range(count)}

    def test_names_of_the_server_are_not_taken_for_those_of_the_tree(
        self, tmp_path: Path, home: Path
    ) -> None:
        (tmp_path / "server").mkdir()
        (tmp_path / "tree/api").mkdir(parents=True)
        (tmp_path / "tree/api/openapi.json").write_bytes(b"ours")
        (tmp_path / "tree/healthz").write_bytes(b"ours")
        (tmp_path / "tree/notes.txt").write_bytes(b"notes")
        with run_pierhead(f"file://{tmp_path / 'tree'}", tmp_path / "server") as server:
            without_style = "--exclude-directories=/-/static"
            succeed(home, *self.OPTIONS, without_style, f"{server.url}/")
            assert mirrored(home) == {"notes.txt": b"notes"}
            succeed(home, *self.OPTIONS, "--cut-dirs=2", f"{server.url}/-/tree/")
        assert mirrored(home) == {
            "notes.txt": b"notes",
            "healthz": b"ours",
            "api/openapi.json": b"ours",
        }

    @pytest.mark.usefixtures("netrc")
    def test_what_members_may_have(self, published: Published, home: Path) -> None:
        succeed(home, *self.OPTIONS, *NETRC_ALWAYS, published.url_of("tree/members/"))
        assert mirrored(home) == {
            path: content for path, content in RESTRICTED.items() if path.startswith("tree/members/")
        }


class TestCredentials:
    """wget sends its Authorization header to whatever host it is redirected to; so it is not redirected."""

    def test_a_stranger_is_refused(self, published: Published, home: Path) -> None:
        result = wget(home, published.url_of("tree/members/plan.txt"))
        assert result.returncode != 0
        assert mirrored(home) == {}

    @pytest.mark.usefixtures("netrc")
    @pytest.mark.parametrize("options", [NETRC_ALWAYS, NETRC_WHEN_ASKED], ids=["always", "when asked"])
    @pytest.mark.parametrize("path", ["tree/members/preview.img", "tree/notes.txt"])
    def test_of_netrc_stay_here(
        self, published: Published, home: Path, options: tuple[str, ...], path: str
    ) -> None:
        succeed(home, *options, published.url_of(path))
        assert (home / Path(path).name).read_bytes() == (PUBLIC | RESTRICTED)[path]
        assert_no_credentials_left(published)

    @pytest.mark.parametrize("path", ["tree/members/preview.img", "tree/notes.txt"])
    def test_of_a_header_stay_here(
        self, published: Published, home: Path, member_token: str, path: str
    ) -> None:
        succeed(home, "--header", f"Authorization: Bearer {member_token}", published.url_of(path))
        assert (home / Path(path).name).read_bytes() == (PUBLIC | RESTRICTED)[path]
        assert_no_credentials_left(published)
        assert published.s3 is None or not published.s3.seen_from("wget")

    @pytest.mark.usefixtures("netrc")
    def test_of_a_whole_mirror_stay_here(self, published: Published, home: Path) -> None:
        wget(home, *TestMirror.OPTIONS, *NETRC_ALWAYS, published.url_of("tree/"))
        members = {path: content for path, content in RESTRICTED.items() if "members" in path}
        assert mirrored(home) == EVERYBODYS | members
        assert_no_credentials_left(published)

    def test_without_any_the_file_comes_from_where_it_is_stored(
        self, published: Published, home: Path
    ) -> None:
        """Shows that the tests above would see a header that did not stay here."""
        succeed(home, "--header", "X-Mark: seen", published.url_of("tree/notes.txt"))
        assert (home / "notes.txt").read_bytes() == PUBLIC["tree/notes.txt"]
        if published.s3 is not None:
            assert [("x-mark", "seen") in request.headers for request in published.s3.seen_from("wget")] == [
                True
            ]


def assert_no_credentials_left(published: Published) -> None:
    if published.s3 is not None:
        assert [request for request in published.s3.seen_from("wget") if request.credentials] == []
