"""The recipes of `docs/ci.md`, run against a server of the sample tree, by the programs that they are for or by what these run."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.make_sample_tree import make_sample
from scripts.sample_tree.licensing import MEMBERS
from tests.support.forked_command import PIERHEAD
from tests.support.live_server import token
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.rough_server import reply, rough_server
from tests.support.serve_command import environment

PAGE = (Path(__file__).parents[2] / "docs/ci.md").read_text()
SITE = "https://releases.example.org"
DIGEST = "ca2854d672eaf0cbeedbf61da431e8bb"

# What the recipes install is there already.
PRELUDE = "set -eu; pip() { :; }; pipx() { :; }\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sample")
    make_sample(directory / "tree", directory / "policy.toml")
    return directory / "tree"


@pytest.fixture(scope="module")
def server(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPierhead]:
    policy = (tree.parent / "policy.toml").read_text()
    with run_pierhead(str(tree), tmp_path_factory.mktemp("server"), policy=policy) as running:
        yield running


@pytest.fixture
def bearer() -> str:
    return token(MEMBERS, now=time.time())


Recipe = Callable[[str, int], str]


@pytest.fixture
def recipe(server: RunningPierhead) -> Recipe:
    """The n-th code block of a section, for this server."""

    def find(heading: str, number: int = 0) -> str:
        section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        blocks: list[str] = re.findall(r"^```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        return blocks[number].replace(SITE, server.url)

    return find


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """Runs a script in an empty directory, where `pierhead` is a command."""

    def run_shell(script: str, **environ: str) -> None:
        path = f"{Path(PIERHEAD).parent}:/usr/bin:/bin"
        env = environment({"HOME": str(tmp_path), **environ}) | {"PATH": path}
        shell = subprocess.run(
            ["bash", "-c", PRELUDE + script],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert shell.returncode == 0, shell.stderr

    return run_shell


def assert_board(tree: Path, images: Path) -> None:
    """The folder for members has arrived."""
    for path in (tree / "members/board").rglob("*"):
        if path.is_file() and path.name != "BUILD-INFO.txt":
            assert (images / path.relative_to(tree / "members/board")).read_bytes() == path.read_bytes()


def assert_firmware(path: Path) -> None:
    """The file behind a licence has arrived, with the checksum that the page gives."""
    assert hashlib.sha256(path.read_bytes()).hexdigest() in PAGE


def test_github_actions(
    recipe: Recipe, run: Callable[..., None], tree: Path, tmp_path: Path, bearer: str
) -> None:
    scripts = re.findall(r"^ +run: \|\n((?: {10}.*\n)+)", recipe("GitHub Actions", 0), re.MULTILINE)
    value = reply(200, json.dumps({"value": bearer}).encode(), Content_Type="application/json")
    with rough_server(lambda _: value) as issuer:
        run(
            textwrap.dedent(scripts[0]),
            ACTIONS_ID_TOKEN_REQUEST_TOKEN="request",
            ACTIONS_ID_TOKEN_REQUEST_URL=f"{issuer.url}/?api-version=2.0",
            RUNNER_TEMP=str(tmp_path),
        )
    assert_board(tree, tmp_path / "images")
    assert_firmware(tmp_path / "images/firmware.bin")


def test_gitlab_ci(recipe: Recipe, run: Callable[..., None], tree: Path, tmp_path: Path, bearer: str) -> None:
    script = recipe("GitLab CI", 0).split("  script:\n")[1]
    run("\n".join(re.findall(r"^    - (.*)$", script, re.MULTILINE)), PIERHEAD_TOKEN=bearer)
    assert_board(tree, tmp_path / "images")
    assert len(list((tmp_path / "images").glob("*.img.gz"))) == 2


def test_jenkins(recipe: Recipe, run: Callable[..., None], tree: Path, tmp_path: Path, bearer: str) -> None:
    script = re.search(r"sh '''\n(.*?)'''", recipe("Jenkins", 0), re.DOTALL)
    assert script
    tools = tmp_path / "tools/bin"
    tools.mkdir(parents=True)
    (tools / "pip").symlink_to("/bin/true")
    (tools / "pierhead").symlink_to(PIERHEAD)
    (tmp_path / "token").write_text(bearer)
    # Groovy reads two backslashes as one.
    lines = textwrap.dedent(script[1]).replace("\\\\", "\\").replace("python3 -m venv tools", ":")
    run(lines, TOKEN_FILE=str(tmp_path / "token"))
    assert_board(tree, tmp_path / "images")
    fetched = [json.loads(line) for line in (tmp_path / "fetched.json").read_text().splitlines()]
    assert all(len(line["sha256"]) == 64 for line in fetched)


def test_bitbake(recipe: Recipe, run: Callable[..., None], tmp_path: Path) -> None:
    variables = dict(re.findall(r'^(\S+) = "(.*)"$', recipe("Yocto and BitBake", 0), re.MULTILINE))
    run(f"{variables['FETCHCMD_wget']} -O firmware.bin -P . '{variables['SRC_URI']}'")
    digest = hashlib.sha256((tmp_path / "firmware.bin").read_bytes()).hexdigest()
    assert digest == variables["SRC_URI[sha256sum]"]


def test_buildroot(recipe: Recipe, run: Callable[..., None], tmp_path: Path) -> None:
    variables = dict(re.findall(r"^BOARD_FIRMWARE_(\S+) = (.*)$", recipe("Buildroot", 0), re.MULTILINE))
    name = variables["SOURCE"]
    run(f"wget -nd -t 3 --connect-timeout=10 {variables['DL_OPTS']} -O {name} {variables['SITE']}/{name}")
    _, digest, named = recipe("Buildroot", 1).split()
    assert (named, digest) == (name, hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())


def test_lava(recipe: Recipe, run: Callable[..., None], tmp_path: Path, tree: Path, bearer: str) -> None:
    job = recipe("LAVA", 0).replace("pierhead-token", f"Bearer {bearer}")
    images = re.findall(r"url: (\S+)\n(?: +sha256sum: (\w+)\n)? +headers:\n +(.*)\n", job)
    assert len(images) == 2
    for number, (url, digest, header) in enumerate(images):
        run(
            f"curl -fsSI -H {shlex.quote(header)} {url}; curl -fsSL -o {number} -H {shlex.quote(header)} {url}"
        )
        assert not digest or digest == hashlib.sha256((tmp_path / str(number)).read_bytes()).hexdigest()
    assert (tmp_path / "1").read_bytes() == (tree / "members/preview.img").read_bytes()


def test_dockerfile(
    recipe: Recipe, run: Callable[..., None], tmp_path: Path, tree: Path, bearer: str
) -> None:
    lines = re.findall(r"^RUN (?:--mount=\S+ \\\n +)?(.*)$", recipe("Dockerfile", 0), re.MULTILINE)
    (tmp_path / "token").write_text(bearer)
    script = (
        "\n".join(lines)
        .replace("/run/secrets/pierhead-token", f"{tmp_path}/token")
        .replace(" /images", " images")
    )
    run(script)
    assert_board(tree, tmp_path / "images")


def test_ansible(recipe: Recipe, run: Callable[..., None], tmp_path: Path, tree: Path, bearer: str) -> None:
    (tmp_path / "playbook.yml").write_text(recipe("Ansible", 0))
    (tmp_path / "vars.json").write_text(json.dumps({"images": str(tmp_path), "pierhead_token": bearer}))
    playbook = Path(sys.executable).with_name("ansible-playbook")
    run(
        f"{playbook} -i localhost, -c local -e @vars.json playbook.yml",
        LC_ALL="C.UTF-8",
        ANSIBLE_PYTHON_INTERPRETER=sys.executable,
    )
    assert_firmware(tmp_path / "firmware.bin")
    for name, path in (
        ("preview.img", "members/preview.img"),
        ("boot.img", "releases/2026.09/devkit/boot.img"),
    ):
        assert (tmp_path / name).read_bytes() == (tree / path).read_bytes()


def test_any_shell(recipe: Recipe, run: Callable[..., None], tmp_path: Path, bearer: str) -> None:
    run(recipe("Any shell", 0), PIERHEAD_TOKEN=bearer)
    assert_firmware(tmp_path / "firmware.bin")


def test_the_licence_of_the_page_is_that_of_the_sample_tree(
    server: RunningPierhead, run: Callable[..., None]
) -> None:
    run(f"pierhead get {server.url}/licensing/protected/firmware.bin --show-licence | grep {DIGEST}")
    assert set(re.findall(r"\b[0-9a-f]{32}\b", PAGE)) == {DIGEST}
