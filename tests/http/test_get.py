"""`pierhead get` against the real server."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.entries import Digest
from tests.support.get_command import Get, getter
from tests.support.live_server import app_over, live_server, token
from tests.support.memory_store import MemoryStore
from tests.support.rough_server import reply, rough_server
from tests.support.site_policies import MEMBERS_AND_SHOWN, MEMBERS_AND_VAULT

LICENCE = "You may look."
BUILD_INFO = b"Format-Version: 0.5\n\nFiles-Pattern: *.img\nLicense-Type: protected\nLicense-Text: You may look.\n\nFiles-Pattern: *.txt\nLicense-Type: open\n"
MD5, SHA256 = (hashlib.new(name, LICENCE.encode()).hexdigest() for name in ("md5", "sha256"))
BIG = bytes(range(256)) * 4000


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("rel/a.txt", b"a", digests=(Digest("sha-256", sha256(b"a")),))
    store.put("rel/big.bin", BIG)
    store.put("rel/sub/deep/b.txt", b"b")
    store.put("rel/sub/empty.txt")
    store.put("eula/BUILD-INFO.txt", BUILD_INFO)
    store.put("eula/x.img", b"image")
    store.put("eula/y.img", b"other image")
    store.put("eula/notes.txt", b"notes")
    store.put("members/plan.txt", b"plan")
    store.link("latest", "rel")
    return store


@pytest.fixture
def url(store: MemoryStore) -> Iterator[str]:
    with live_server(app_over(store, policy=MEMBERS_AND_VAULT)) as server:
        yield server.url


@pytest.fixture
def get(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Get:
    return getter(tmp_path, capfd, monkeypatch)


# --- what a URL names ----------------------------------------------------------------------------------


REL = {"a.txt": b"a", "big.bin": BIG, "sub/deep/b.txt": b"b", "sub/empty.txt": b""}


@pytest.mark.parametrize(
    "path", ["/rel/", "/rel", "/latest/", "/latest", "/api/v1/manifest/rel", "/rel/?sort=name"]
)
def test_a_folder_is_fetched_with_all_that_is_below_it(get: Get, url: str, path: str) -> None:
    got = get(url + path)
    assert (got.status, got.files()) == (0, REL)
    assert "4 files are there: 4 fetched" in got.errors


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_folder_with_more_files_than_one_page(
    get: Get, url: str, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    monkeypatch.setattr("app.client.listings._ENTRIES_AT_ONCE", "2")
    got = get(f"{url}/rel/", "--jobs", jobs)
    assert (got.status, got.files()) == (0, REL)


def test_one_file_has_its_time(get: Get, url: str) -> None:
    got = get(f"{url}/rel/sub/deep/b.txt")
    assert (got.status, got.files()) == (0, {"b.txt": b"b"})
    assert (got.directory / "b.txt").stat().st_mtime == 1e9


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/rel/*.txt", ["a.txt"]),
        ("/rel/*", ["a.txt", "big.bin"]),
        ("/latest/b*", ["big.bin"]),
        ("/eula/[a-n]*", ["notes.txt"]),
    ],
)
def test_a_wildcard_names_all_files_that_match(get: Get, url: str, path: str, names: list[str]) -> None:
    got = get(url + path)
    assert (got.status, sorted(got.files())) == (0, names)


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        (["*.txt"], ["a.txt", "sub/deep/b.txt", "sub/empty.txt"]),
        (["sub/*.txt", "big*"], ["big.bin", "sub/empty.txt"]),
        (["sub"], ["sub/deep/b.txt", "sub/empty.txt"]),
    ],
)
def test_include_is_for_names_or_for_paths(get: Get, url: str, globs: list[str], names: list[str]) -> None:
    got = get(f"{url}/rel/", *(part for glob in globs for part in ("--include", glob)))
    assert (got.status, sorted(got.files())) == (0, names)


@pytest.mark.parametrize(
    "arguments", [["/nowhere"], ["/nowhere/"], ["/rel/*.zip"], ["/rel/", "--include", "*.zip"]]
)
def test_what_is_not_there_has_a_status_of_its_own(get: Get, url: str, arguments: list[str]) -> None:
    got = get(url + arguments[0], *arguments[1:])
    assert (got.status, got.files()) == (3, {})


@pytest.mark.parametrize(
    "name", ["a b", "a%20b", "ünï", "\udcff\udcfe", "what?", "[x]", "a;b'c&d", "*", "x" * 250]
)
def test_odd_names_arrive_as_they_are(get: Get, url: str, store: MemoryStore, name: str) -> None:
    store.put(f"odd/{name}", name.encode("utf-8", "surrogateescape"))
    got = get(f"{url}/odd/")
    assert got.status == 0
    assert list(got.directory.iterdir()) == [got.directory / name]
    assert (got.directory / name).read_bytes() == name.encode("utf-8", "surrogateescape")


def test_a_site_below_a_path_of_its_host(get: Get, store: MemoryStore) -> None:
    with live_server(app_over(store, root_path="/down/loads")) as server:
        got = get(f"{server.url}/down/loads/rel/")
        assert (got.status, got.files()) == (0, REL)
        assert get(f"{server.url}/down/loads/api/v1/manifest/rel/").status == 0
        assert LICENCE in get(f"{server.url}/down/loads/eula/x.img", "--show-licence").output


# --- again, and continued ------------------------------------------------------------------------------


def test_what_is_there_already_is_not_fetched_again(get: Get, url: str, store: MemoryStore) -> None:
    get(f"{url}/rel/")
    store.calls.clear()
    got = get(f"{url}/rel/", "--json")
    assert {line["status"] for line in got.lines.values()} == {"present"}
    assert [call for call in store.calls if call.operation == "get"] == []
    assert got.lines["a.txt"]["checked_by"] == "sha-256"


@pytest.mark.parametrize(
    ("name", "content"), [("a.txt", b"x"), ("big.bin", BIG[::-1]), ("big.bin", b"short")]
)
def test_what_is_there_and_differs_is_replaced(get: Get, url: str, name: str, content: bytes) -> None:
    """By its digest where there is one, else by its size and time."""
    got = get(f"{url}/rel/")
    (got.directory / name).write_bytes(content)
    assert get(f"{url}/rel/").files() == REL


def continued(get: Get, url: str, part: bytes, e_tag: str) -> None:
    """Leave the part of a download of `big.bin`."""
    directory = get(f"{url}/rel/a.txt").directory
    (directory / "big.bin.pierhead.part").write_bytes(part)
    (directory / "big.bin.pierhead.etag").write_text(f"{url}/rel/big.bin\n{e_tag}")


def test_a_part_of_the_same_file_is_continued(get: Get, url: str) -> None:
    continued(get, url, BIG[:1000], MemoryStore.e_tag_of(BIG))
    got = get(f"{url}/rel/big.bin", "--json")
    assert got.lines["big.bin"]["resumed_at"] == 999
    assert got.files() == {"a.txt": b"a", "big.bin": BIG}


@pytest.mark.parametrize(
    ("part", "e_tag"),
    [
        (b"old" * 1000, '"old"'),
        (BIG + b"more", MemoryStore.e_tag_of(BIG)),
        (b"wrong" * 9, MemoryStore.e_tag_of(BIG)),
    ],
    ids=["of another file", "too long", "other bytes"],
)
def test_a_part_that_does_not_belong_to_it_is_thrown_away(
    get: Get, url: str, store: MemoryStore, part: bytes, e_tag: str
) -> None:
    store.put("rel/big.bin", BIG, digests=(Digest("sha-256", sha256(BIG)),))
    continued(get, url, part, e_tag)
    got = get(f"{url}/rel/big.bin")
    assert (got.status, got.files()) == (0, {"a.txt": b"a", "big.bin": BIG})


# --- digests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha-256", "md5"])
def test_bytes_that_the_stored_digest_is_not_of_are_refused(
    get: Get, url: str, store: MemoryStore, algorithm: str
) -> None:
    store.put(
        "rel/bad.bin",
        b"tampered",
        digests=(Digest(algorithm, hashlib.new(algorithm.replace("-", ""), b"x").digest()),),
    )
    got = get(f"{url}/rel/")
    assert (got.status, got.files()) == (6, REL)
    assert "bad.bin" in got.errors


def test_sha256_demands_that_one_is_known(get: Get, url: str) -> None:
    got = get(f"{url}/rel/", "--sha256", "--json")
    assert (got.status, got.files()) == (6, {"a.txt": b"a"})
    assert got.lines["a.txt"]["sha256"] == sha256(b"a").hex()
    assert "--sha256" in got.lines["big.bin"]["error"]


def test_a_list_of_checksums_says_which_files_and_which_bytes(get: Get, url: str, tmp_path: Path) -> None:
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"# made by hand\n{sha256(BIG).hex()}  ./big.bin\n{sha256(b'x').hex()} *sub/deep/b.txt\n")
    got = get(f"{url}/rel/", "--checksums", str(sums), "--sha256")
    assert (got.status, got.files()) == (6, {"big.bin": BIG})
    assert get(f"{url}/rel/big.bin", "--checksums", str(sums)).status == 0
    assert get(f"{url}/rel/a.txt", "--checksums", str(sums)).status == 3


def test_a_list_of_checksums_can_be_the_servers(get: Get, url: str, store: MemoryStore) -> None:
    for name, content in REL.items():
        store.put(f"rel/{name}", content, digests=(Digest("sha-256", sha256(content)),))
    got = get(f"{url}/rel/", "--checksums", f"{url}/api/v1/manifest/rel/?format=text")
    assert (got.status, got.files()) == (0, REL)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "1 file is not in this list, see the comments",
        f"{'0' * 64}  ../x",
        f"{'0' * 64}  /etc/passwd",
    ],
)
def test_a_list_of_checksums_with_gaps_or_odd_paths_is_refused(
    get: Get, url: str, tmp_path: Path, line: str
) -> None:
    (tmp_path / "sums").write_text(f"{sha256(b'a').hex()}  a.txt\n{line}\n")
    got = get(f"{url}/rel/", "--checksums", str(tmp_path / "sums"))
    assert (got.status, got.files()) == (6, {})
    assert "line 2" in got.errors


# --- licences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/eula/x.img", "/eula/", "/eula/*.img"])
def test_a_licence_is_shown_and_accepted_once(get: Get, url: str, path: str) -> None:
    refused = get(url + path)
    assert refused.status == 4
    assert f"--accept {MD5}" in refused.errors
    assert "x.img" not in refused.files()
    shown = get(url + path, "--show-licence")
    assert shown.status == 0
    assert shown.output.count(LICENCE) == 1
    assert MD5 in shown.output
    assert "licence licence" not in shown.output + refused.errors
    assert get(url + path, "--accept", "0" * 32).status == 4
    assert get(url + path, "--accept", MD5).files()["x.img"] == b"image"
    (refused.directory / "x.img").unlink()
    assert get(url + path).files()["x.img"] == b"image"


def test_an_accepted_licence_is_remembered_by_its_text(get: Get, url: str, store: MemoryStore) -> None:
    assert get(f"{url}/eula/x.img", "--accept", SHA256.upper()).status == 0
    assert get(f"{url}/eula/y.img").status == 0
    store.put("eula/BUILD-INFO.txt", BUILD_INFO.replace(b"look", b"pay"))
    (get(f"{url}/rel/a.txt").directory / "y.img").unlink()
    assert get(f"{url}/eula/y.img").status == 4


def test_licences_are_accepted_where_nothing_can_be_kept(
    get: Get, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-directory").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "no-directory"))
    got = get(f"{url}/eula/", "--accept", MD5)
    assert got.status == 0
    assert "for this time only" in got.errors


# --- who asks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["file", "environment", "netrc"])
def test_a_token_comes_by_file_environment_or_netrc(
    get: Get, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    bearer = token("staff", now=time.time())
    arguments = []
    if way == "file":
        (tmp_path / "token").write_text(f"{bearer}\n")
        arguments = ["--token-file", str(tmp_path / "token")]
    elif way == "environment":
        monkeypatch.setenv("PIERHEAD_TOKEN", bearer)
    else:
        (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login robot password {bearer}\n")
        (tmp_path / ".netrc").chmod(0o600)
    got = get(f"{url}/members/plan.txt", *arguments)
    assert (got.status, got.files()) == (0, {"plan.txt": b"plan"})


def test_without_a_token_it_says_how_to_send_one(get: Get, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    got = get(f"{url}/members/plan.txt")
    assert got.status == 5
    assert "--token-file" in got.errors
    monkeypatch.setenv("PIERHEAD_TOKEN", token("guests", now=time.time()))
    assert get(f"{url}/members/plan.txt").status == 5


@pytest.mark.parametrize("content", ["", "two words", "naïve"])
def test_a_file_without_a_token_is_refused(get: Get, url: str, tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    got = get(f"{url}/rel/", "--token-file", str(tmp_path / "token"))
    assert (got.status, got.files()) == (2, {})
    assert "must hold one token" in got.errors


def test_what_is_locked_is_reported_and_the_rest_is_fetched(get: Get, store: MemoryStore) -> None:
    store.put("shown/plan.txt", b"plan")
    with live_server(app_over(store, policy=MEMBERS_AND_SHOWN)) as server:
        got = get(f"{server.url}/", "--include", "shown", "--include", "a.txt")
    assert (got.status, got.files()) == (5, {"rel/a.txt": b"a"})
    assert "shown/" in got.errors


def test_neither_token_nor_licence_goes_to_the_storage_that_a_redirect_names(
    get: Get, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rough_server(lambda _: reply(200, b"image"), "127.0.0.2") as storage:
        store.presign_base = storage.url
        store.put("eula/x.img", b"image", digests=(Digest("sha-256", sha256(b"image")),))
        with live_server(app_over(store)) as server:
            got = get(f"{server.url}/eula/x.img", "--accept", MD5, "--json")
            assert got.lines["x.img"]["checked_by"] == "sha-256"
            store.put("eula/x.img", b"other", digests=(Digest("sha-256", sha256(b"other")),))
            assert get(f"{server.url}/eula/x.img").status == 6
    assert len(storage.asked) == 2
    assert not any(
        {"authorization", "license-accepted", "cookie"} & set(asked.headers) for asked in storage.asked
    )


# --- where files go ------------------------------------------------------------------------------------


def test_links_in_the_directory_are_not_followed(get: Get, url: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("mine")
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / "sub").symlink_to(outside)
    (directory / "a.txt").symlink_to(outside / "a.txt")
    (directory / "big.bin.pierhead.part").symlink_to(outside / "part")
    got = get(f"{url}/rel/")
    assert got.status == 1
    assert [path.name for path in outside.iterdir()] == ["a.txt"]
    assert (outside / "a.txt").read_text() == "mine"
    assert (directory / "a.txt").read_bytes() == b"a"
    assert not (directory / "a.txt").is_symlink()
    assert "symbolic link" in got.errors


def test_a_directory_in_the_way_of_a_file_is_left_alone(get: Get, url: str, tmp_path: Path) -> None:
    (tmp_path / "out/a.txt").mkdir(parents=True)
    got = get(f"{url}/rel/a.txt")
    assert got.status == 1
    assert "directory" in got.errors
    assert (tmp_path / "out/a.txt").is_dir()


# --- the command line ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://x/"],
        ["/rel"],
        ["http://"],
        ["http://user:secret@x/"],
        ["http://x/d/?q=*.img"],
        ["http://x/d/?sort=size&archive=zip"],
        ["http://x/", "--include", "a//b"],
        ["http://x/", "--jobs", "0"],
        ["http://x/", "--accept", "yes"],
        ["http://x/", "--accept", "0" * 32, "--show-licence"],
    ],
)
def test_wrong_arguments_are_answered_with_what_is_allowed(get: Get, arguments: list[str]) -> None:
    got = get(*arguments)
    assert got.status == 2
    assert got.errors.startswith("usage: pierhead get")
    assert "secret@" not in got.errors.partition("error:")[2] or "must have no user" in got.errors


def test_json_has_a_line_for_each_file(get: Get, url: str) -> None:
    got = get(f"{url}/rel/", "--json")
    assert got.errors == ""
    assert got.lines["big.bin"] == {
        "path": "big.bin",
        "url": f"{url}/rel/big.bin",
        "status": "fetched",
        "size": len(BIG),
        "sha256": sha256(BIG).hex(),
        "checked_by": None,
        "resumed_at": 0,
    }
