"""The commands on the page of `?get=` work as they stand there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import app
from tests.support.answers import member
from tests.support.get_page import NAMES, Served, commands, page, served_tree, value_of
from tests.support.live_server import token


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with served_tree() as served:
        yield served


def run(command: str, place: Path) -> None:
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=place, check=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_the_command_of_each_row_fetches_the_file_and_the_last_one_checks_it(
    served: Served, tmp_path: Path, name: str, tool: str
) -> None:
    found = commands(page(served.client, "/d/", value_of(served.client, "/d/", name)))
    run(found[tool], tmp_path)
    run(found["check"], tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, name.encode())]
    (tmp_path / name).write_bytes(b"other")
    with pytest.raises(subprocess.CalledProcessError):
        run(found["check"], tmp_path)


def test_pierhead_get_fetches_a_file_or_all_below_a_folder(served: Served, tmp_path: Path) -> None:
    root, programs, out = Path(app.__file__).parent.parent, Path(sys.executable).parent, tmp_path / "out"
    setting = f"export HOME={tmp_path} PYTHONPATH={root} PATH={programs}:$PATH; "
    out.mkdir()
    for folder, name in (("/d/", NAMES[1]), ("/licensed/", "x")):
        run(setting + commands(page(served.client, folder, quote(name)))["pierhead"], out)
    staff = member("staff")
    private = commands(page(served.client, "/secret/", "s", **staff))["pierhead"]
    run(setting + private.replace("TOKEN=TOKEN", f"TOKEN={token('staff', now=time.time())}"), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        NAMES[1]: NAMES[1].encode(), "x": b"X", "s": b"secret",
    }  # fmt: skip
    run(setting + commands(page(served.client, "/d/", ""))["pierhead"], out)
    assert (out / "sub/below").read_bytes() == b"below"


def test_a_private_file_has_a_place_for_a_token(served: Served, tmp_path: Path) -> None:
    text = page(served.client, "/secret/", "s", **member("staff"))
    command = commands(text)["curl"]
    assert "Authorization: Bearer TOKEN" in command
    run(command.replace("TOKEN", token("staff", now=time.time())), tmp_path)
    assert (tmp_path / "s").read_bytes() == b"secret"


def test_the_commands_of_a_folder_fetch_and_check_it(served: Served, tmp_path: Path) -> None:
    found = commands(page(served.client, "/d/", ""))
    run(found["wget"], tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert files.keys() == {*NAMES, "SHA256SUMS", "stored", "below"}
    assert all(files[name] == name.encode() for name in NAMES)
    one = tmp_path / "one"
    one.mkdir()
    run(found["curl"], one)
    assert (one / "plain.img").read_bytes() == b"plain.img"
    assert len(list(one.iterdir())) == len(NAMES) + 2


def test_a_command_accepts_the_licence_that_it_names(served: Served, tmp_path: Path) -> None:
    run(commands(page(served.client, "/licensed/", "x"))["curl"], tmp_path)
    assert (tmp_path / "x").read_bytes() == b"X"
