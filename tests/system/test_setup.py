"""What a newcomer does with a fresh checkout: `make run`, and then what it says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.package_index import PackageIndex, package_index
from tests.support.waiting import PATIENCE, answers, free_port, wait_until

PROJECT = Path(__file__).parents[2]
NOT_IN_A_CLONE = (
    ".git",
    ".venv",
    ".run",
    "build",
    "dist",
    "__pycache__",
    ".*_cache",
    ".coverage*",
    ".hypothesis",
)

pytestmark = pytest.mark.timeout(1800)  # everything is installed


class Served(NamedTuple):
    """A running `make run`: where it was started, where it listens and what it printed."""

    checkout: Path
    url: str
    printed: str

    def shell(self, command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["bash", "-c", command], cwd=self.checkout, env=environment(), capture_output=True, check=False
        )

    def command(self, label: str) -> str:
        """The command printed after a label."""
        found = re.search(rf"^ *{label} +(curl .*)$", self.printed, re.MULTILINE)
        assert found, self.printed
        return found[1]


def environment() -> dict[str, str]:
    """The environment of a newcomer's shell."""
    own = ("PIERHEAD_", "VIRTUAL_ENV", "PYTHON", "MAKE", "MFLAGS", "COVERAGE", "COV_CORE", "PYTEST")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clone") / "pierhead"
    shutil.copytree(PROJECT, path, ignore=shutil.ignore_patterns(*NOT_IN_A_CLONE), symlinks=True)
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    with package_index(tmp_path_factory.mktemp("index")) as running:
        yield running


@pytest.fixture(scope="module")
def served(checkout: Path, index: PackageIndex) -> Iterator[Served]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = checkout.parent / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=checkout,
            env=environment() | index.environ(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: process.poll() is not None or answers(f"{url}/healthz"), 600)
        assert process.poll() is None, log.read_text()
        yield Served(checkout, url, log.read_text())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does
    process.wait(timeout=PATIENCE)


def test_the_listing_for_scripts_is_json(served: Served) -> None:
    result = served.shell(served.command("for scripts"))

    assert result.returncode == 0, result.stderr
    assert b'"name": "releases"' in result.stdout


@pytest.mark.parametrize("label", ["a public file", "under a licence", "for members"])
def test_each_printed_download_works(served: Served, label: str) -> None:
    command = served.command(label)
    path = command.rpartition(f"{served.url}/")[2]
    fetched = served.checkout / path.rpartition("/")[2]
    fetched.unlink(missing_ok=True)
    result = served.shell(f"{command} --silent --show-error")

    assert result.returncode == 0, result.stderr
    assert fetched.read_bytes() == (served.checkout / ".run/tree" / path).read_bytes()


@pytest.mark.parametrize("label", ["under a licence", "for members"])
def test_it_is_refused_without_its_header(served: Served, label: str) -> None:
    url = served.command(label).split()[-1]
    result = served.shell(f"curl --silent --output /dev/null --write-out '%{{http_code}}' {url}")

    assert result.stdout in (b"401", b"403")


def test_the_key_is_the_owners_alone(served: Served) -> None:
    assert (served.checkout / ".run/secret-key").stat().st_mode & 0o777 == 0o600


def test_setting_up_again_does_nothing(served: Served) -> None:
    result = served.shell("make setup")

    assert result.returncode == 0
    assert b"pip" not in result.stdout


def test_help_explains_every_target(checkout: Path) -> None:
    makefile = (checkout / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE))
    result = subprocess.run(
        ["make", "help"], cwd=checkout, env=environment(), capture_output=True, text=True, check=True
    )

    assert targets >= {"setup", "run", "test", "test-system", "check"}
    assert {line.split()[1] for line in result.stdout.splitlines()} == targets
    assert all(len(line.split()) > 3 for line in result.stdout.splitlines())
