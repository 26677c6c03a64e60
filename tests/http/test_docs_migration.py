"""The commands and files of `docs/migration.md` do what the page says."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from app.config import load_settings
from scripts.make_sample_tree import make_sample
from tests.support.forked_command import PIERHEAD
from tests.support.live_server import app_for, live_server, policy_from
from tests.support.rough_server import reply, rough_server
from tests.support.serve_command import environment

PAGE = (Path(__file__).parents[2] / "docs/migration.md").read_text()


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in found]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sample")
    make_sample(directory / "tree", directory / "policy.toml")
    (directory / "pierhead.toml").write_text(f'policy_file = "{directory}/policy.toml"\n')
    return directory / "tree"


def run(script: str, directory: Path, **environ: str) -> str:
    env = environment(environ) | {"PATH": f"{Path(PIERHEAD).parent}:/usr/bin:/bin"}
    shell = subprocess.run(
        ["bash", "-euc", script], cwd=directory, env=env, capture_output=True, text=True, check=False
    )
    assert shell.returncode == 0, shell.stderr
    return shell.stdout


def test_explain_shows_what_the_policy_does_to_whom(tree: Path) -> None:
    said = run(blocks("sh")[0], tree.parent, tree=str(tree), settings="pierhead.toml")
    assert re.findall(r"^decision +(\w+)", said, re.MULTILINE) == ["login", "allow"]


def test_both_servers_are_asked_for_what_was_asked_for_lately(tree: Path) -> None:
    lines = [
        f'192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "{method} {path} HTTP/1.1" 200 5 "-" "curl"\n'
        for method, path in (
            ("GET", "/README.txt"),
            ("GET", "/gone.txt"),
            ("POST", "/x"),
            ("GET", "/README.txt"),
        )
    ]
    (tree.parent / "access.log").write_text("".join(lines))
    with rough_server(lambda _: reply(200)) as old, live_server(app_for(str(tree))) as new:
        said = run(blocks("sh")[1], tree.parent, old=old.url, new=new.url)
    assert said == "/gone.txt 200 404\n"


def test_every_htaccess_that_protects_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.htaccess").write_text("  Require valid-user\n")
    (tmp_path / ".htaccess").write_text("IndexIgnore x\n")
    assert run(blocks("sh")[2], tmp_path, tree=str(tmp_path)) == f"{tmp_path}/a/.htaccess\n"


def test_the_files_can_be_used(tmp_path: Path) -> None:
    settings, policy = blocks("toml")
    (tmp_path / "pierhead.toml").write_text(settings)
    loaded = load_settings(environ={}, file=tmp_path / "pierhead.toml")
    assert str(loaded.settings.trusted_networks[0]) == "10.0.0.0/8"
    assert len(policy_from(policy).rules) == 1


def test_every_script_of_the_page_is_tried() -> None:
    assert [block.split()[0:2] for block in blocks("sh")[3:]] == [["pierhead", "serve"]]
