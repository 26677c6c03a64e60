"""The image of a release is built from a base that is named by its digest, and says what it was made from."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from app import __version__
from tests.support.deployment import CONTAINERS, PROJECT

DIGEST = "sha256:" + "0123456789abcdef" * 4
BASE = "docker.io/library/python:3.11-slim-bookworm"
TOOLS = {
    "podman": 'printf "%s\\n" "$@"',
    "git": 'case "$1" in log) echo 1800000000;; rev-parse) echo c0ffee;; esac',
}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A directory of programs that take the place of podman and git."""
    for name, script in TOOLS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def build(tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROJECT / "scripts/build-image", *arguments],
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "base",
    [
        "",
        BASE,
        f"{BASE}@{DIGEST[:-1]}",
        f"{BASE}@{DIGEST}0",
        f"{BASE}@md5:0123",
        f"@{DIGEST}",
        f"a b@{DIGEST}",
    ],
)
def test_a_base_without_its_digest_is_refused(tools: Path, base: str) -> None:
    refused = build(tools, base, "pierhead:1")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"not from '{base}'" in refused.stderr


def test_an_image_without_a_name_is_refused(tools: Path) -> None:
    assert build(tools, f"{BASE}@{DIGEST}").returncode == 2


def test_it_is_built_for_both_architectures_and_says_from_what(tools: Path) -> None:
    built = build(tools, f"{BASE}@{DIGEST}", "pierhead:1", "--secret=id=pip.conf,src=pip.conf")
    arguments = built.stdout.splitlines()
    given = list(pairwise(arguments))
    assert built.returncode == 0, built.stderr
    assert "--secret=id=pip.conf,src=pip.conf" in arguments
    assert ("--platform", "linux/amd64,linux/arm64") in given
    assert ("--build-arg", f"BASE={BASE}@{DIGEST}") in given
    assert ("--file", "containers/Containerfile") in given
    assert {label for option, label in given if option == "--label"} == {
        f"org.opencontainers.image.version={__version__}",
        "org.opencontainers.image.revision=c0ffee",
        f"org.opencontainers.image.base.name={BASE}",
        f"org.opencontainers.image.base.digest={DIGEST}",
    }


def test_the_containerfile_takes_that_base_twice() -> None:
    lines = (CONTAINERS / "Containerfile").read_text().splitlines()
    assert [line.removesuffix(" AS builder") for line in lines if line.startswith("FROM ")] == [
        "FROM ${BASE}"
    ] * 2
    assert f"ARG BASE={BASE}" in lines
