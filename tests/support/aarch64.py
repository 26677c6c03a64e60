"""Running the server on an emulated aarch64 machine: qemu's user mode, with Debian's Python and what the lock names for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.containers import CACHE, SUITE, debian_mirror

PROJECT = Path(__file__).parents[2]
_QEMU = "qemu-aarch64-static"
_PYTHON = "3.11"
"""Debian's own."""
_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64")
_PACKAGES = ("ca-certificates", "libc-bin", "python3", "python3-minimal")
_FETCH_SECONDS = 900


def system_files() -> Path:
    """A Debian for aarch64 with Python, kept between runs. Its packages are unpacked and not set up: nothing of it has to run."""
    root = CACHE / f"{SUITE}-aarch64-{'-'.join(_PACKAGES)}"
    if not root.exists():
        partial = root.with_suffix(".part")
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was ended
        options = ("--quiet", "--mode=root", "--architectures=arm64", "--variant=extract")
        subprocess.run(
            [
                *("mmdebstrap", *options, f"--include={','.join(_PACKAGES)}"),
                *(SUITE, str(partial), debian_mirror()),
            ],
            check=True,
            timeout=_FETCH_SECONDS,
        )
        partial.rename(root)
    return root


def install_from_lock(place: Path) -> None:
    """Install what the lock names, from wheels for aarch64 alone, with their hashes.

    Raises:
        CalledProcessError: a package has no such wheel; its output says which.
    """
    options = (
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    )
    wheels = [f"--platform={platform}" for platform in _PLATFORMS]
    machine = ("--implementation=cp", f"--python-version={_PYTHON}", *wheels)
    lock = PROJECT / "requirements/runtime.txt"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *machine, f"--target={place}", "-r", str(lock)],
        check=True,
        timeout=_FETCH_SECONDS,
    )


def emulated(root: Path) -> tuple[str, ...]:
    """The command that is Python on the emulated machine.

    Args:
        root: as `system_files` gives it.
    """
    return (_QEMU, "-L", str(root), str(root / f"usr/bin/python{_PYTHON}"))
