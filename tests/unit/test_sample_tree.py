"""The sample tree is the same everywhere, says the truth about itself, and shows every kind of rule."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.access import Access, Visibility
from app.domain.errors import MalformedRules
from app.policy.build_info import parse_build_info
from app.policy.site_policy_file import parse_site_policy
from scripts.make_sample_tree import main, make_sample
from scripts.sample_tree.build import build_tree, stamp_of
from scripts.sample_tree.items import Blob, EmptyFolder, Item, Link, Sparse, chunks, gzipped, noise, text
from scripts.sample_tree.licensing import BUILD_INFOS, POLICY
from scripts.sample_tree.names import ODD_NAMES
from scripts.sample_tree.plan import plan
from scripts.sample_tree.releases import KERNEL_BUILDS, LARGE_SIZE
from scripts.sample_tree.showcase import FOLDER


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("sample") / "tree"
    build_tree(plan(), destination)
    return destination


def snapshot(root: Path) -> dict[str, tuple[int, str]]:
    """Every path with its time and its content, but for the large file's."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file() and status.st_size < 10_000_000:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            content = stat.filemode(status.st_mode)
        found[str(path.relative_to(root))] = (status.st_mtime_ns, content)
    return found


def test_two_trees_are_equal_down_to_their_times(tree: Path, tmp_path: Path) -> None:
    build_tree(plan(), tmp_path / "again")

    assert snapshot(tmp_path / "again") == snapshot(tree)


def test_the_bytes_do_not_depend_on_the_machine() -> None:
    assert hashlib.md5(gzipped("a.gz", 100_000, 0).content).hexdigest() == "400213e29ff79e0fa73adea7a91cdca5"


def test_a_gzip_file_unpacks_to_its_noise() -> None:
    packed = gzipped("a.gz", 200_000, 0).content

    assert gzip.decompress(packed) == noise("a.gz", 200_000, 0).content


def test_the_stamp_tells_plans_apart() -> None:
    assert stamp_of([text("a.txt", "a\n", 1)]) == stamp_of([text("a.txt", "a\n", 1)])
    assert stamp_of([text("a.txt", "a\n", 1)]) != stamp_of([text("a.txt", "b\n", 1)])
    assert stamp_of([text("a.txt", "a\n", 1)]) != stamp_of([text("a.txt", "a\n", 2)])


def test_no_path_is_planned_twice() -> None:
    paths = [item.path for item in plan()]

    assert len(paths) == len(set(paths))


def test_it_is_about_the_size_of_a_small_release_server(tree: Path) -> None:
    assert len(list(tree.rglob("*"))) >= 280


@pytest.mark.parametrize("name", ["SHA256SUMS", "MD5SUMS"])
def test_every_checksum_is_true(tree: Path, name: str) -> None:
    lists = sorted(tree.rglob(name))
    assert len(lists) > 10
    for checksums in lists:
        for line in checksums.read_text().splitlines():
            digest, file = line.split("  ")
            with (checksums.parent / file).open("rb") as opened:
                algorithm = name.removesuffix("SUMS").lower()
                assert hashlib.file_digest(opened, algorithm).hexdigest() == digest, checksums


def test_the_large_file_is_sparse_and_its_spans_differ(tree: Path) -> None:
    path = tree / "releases/2026.03/images/large.img"
    status = path.stat()

    assert status.st_size == LARGE_SIZE >= 200 * 1024 * 1024
    assert status.st_blocks * 512 < 1024 * 1024
    with path.open("rb") as file:
        assert file.read(6) == b"begin\n"
        file.seek(LARGE_SIZE // 2)
        assert file.read(7) == b"middle\n"
        file.seek(-4, os.SEEK_END)
        assert file.read() == b"end\n"


def test_chunks_of_a_sparse_file_are_its_bytes(tmp_path: Path) -> None:
    size = 3 * 1024 * 1024 + 5
    sparse = Sparse("s.img", size, ((0, b"one"), (2_500_000, b"two"), (size - 3, b"end")), 0)
    build_tree([sparse], tmp_path / "tree")

    assert b"".join(chunks(sparse)) == (tmp_path / "tree/s.img").read_bytes()


def test_latest_is_a_link_to_the_newest_build(tree: Path) -> None:
    assert (tree / "snapshots/kernel/latest").readlink() == Path(str(max(KERNEL_BUILDS)))
    linked = tree / "snapshots/other/latest/.s3_linked_from"
    assert (tree / linked.read_text()).is_dir()


def test_every_variant_of_control_file_is_there(tree: Path) -> None:
    infos = {path.parent.name: path.read_text() for path in (tree / "licensing").glob("*/BUILD-INFO.txt")}

    assert set(infos) == set(BUILD_INFOS)
    assert infos["open"].count("License-Type: open") == 1
    assert "License-Text: SAMPLE FIRMWARE LICENCE\n You may" in infos["protected"]
    assert infos["several-licences"].count("Files-Pattern: firmware.bin\n") == 2
    assert infos["several-licences"].count("License-Text:") == 2
    assert "Auth-Groups: members, partners\n" in infos["groups"]
    assert "Files-Pattern: *.bin, *.txt,\n" in infos["protected-folder"]
    assert "OpenID-Launchpad-Teams: members\n" in infos["deprecated-teams"]
    assert infos["format-0.1"].startswith("Format-Version: 0.1\n")
    assert infos["open-beside-protected"].index("protected") < infos["open-beside-protected"].index(": open")
    assert ":" not in infos["malformed"].splitlines()[-1]
    assert infos["empty"] == ""
    names = {path.name for path in (tree / "licensing").glob("*/*EULA*")}
    assert names == {"EULA.txt", "OPEN-EULA.txt", "firmware.bin.EULA.txt.linaro"}


@pytest.mark.parametrize("folder", sorted(BUILD_INFOS))
def test_only_the_malformed_rules_are_malformed(folder: str) -> None:
    def parse() -> None:
        parse_build_info(BUILD_INFOS[folder].encode(), "BUILD-INFO.txt")

    if folder in ("malformed", "empty"):
        with pytest.raises(MalformedRules):
            parse()
    else:
        parse()


def test_every_odd_name_is_a_file_of_its_own(tree: Path) -> None:
    assert {path.name for path in (tree / "odd-names").iterdir() if path.is_file()} == set(ODD_NAMES)
    assert {len(name.encode()) for name in ODD_NAMES[-2:]} == {255}


def test_the_policy_has_a_rule_for_each_tier_and_only_for_folders_that_exist(tree: Path) -> None:
    policy = parse_site_policy(POLICY, source="policy.toml", read_text=lambda path: "", read_bytes=str.encode)

    assert {rule.tier for rule in policy.rules} == {Access.PUBLIC, Access.EULA, Access.PRIVATE}
    assert {rule.visibility for rule in policy.rules} == set(Visibility)
    for rule in policy.rules:
        assert (tree / rule.glob.text).is_dir()


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    items: list[Item] = [text("a.txt", "a\n", 1), Link("latest", "b", 2), EmptyFolder("b", 3)]

    assert build_tree(items, tmp_path / "tree")
    inode = (tmp_path / "tree/a.txt").stat().st_ino
    assert not build_tree(items, tmp_path / "tree")
    assert (tmp_path / "tree/a.txt").stat().st_ino == inode


def test_another_plan_replaces_the_tree(tmp_path: Path) -> None:
    build_tree([text("old.txt", "old\n", 1)], tmp_path / "tree")

    assert build_tree([text("new.txt", "new\n", 1)], tmp_path / "tree")
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["new.txt"]


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")

    with pytest.raises(FileExistsError):
        build_tree([Blob("a", b"a", 1)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_the_policy_is_written_beside_the_tree(tmp_path: Path) -> None:
    make_sample(tmp_path / "tree", tmp_path / "policy.toml")

    assert (tmp_path / "policy.toml").read_text() == POLICY


def test_the_command_names_what_is_in_its_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("keep me")

    assert main([str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize("url", ["bucket", "http://bucket/x", "s3://"])
def test_an_upload_goes_to_s3_only(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--upload", url])
    assert stopped.value.code == 2
    assert "must be s3://BUCKET" in capsys.readouterr().err


def test_the_times_are_those_of_releases_of_today(tree: Path) -> None:
    assert FOLDER in {str(path.relative_to(tree)) for path in tree.glob("releases/*")}, (
        "that of the pictures is one of them"
    )
    times = [datetime.fromtimestamp(path.lstat().st_mtime, UTC) for path in tree.rglob("*") if path.is_file()]
    assert min(times) >= datetime(2025, 12, 1, tzinfo=UTC)
    assert max(times) < datetime(2026, 11, 1, tzinfo=UTC)
