"""Running the server on an emulated aarch64 machine: qemu's user mode, with Debian's Python and what the lock names for it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.containers import CACHE, SUITE, SUITE_PYTHON, debian_mirror

_QEMU = "qemu-aarch64-static"
_PLATFORM = "aarch64-manylinux_2_28"
_UV = Path(sys.executable).with_name("uv")
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


def install_from_lock(lock: Path, place: Path, *options: str) -> str:
    """Install what a lock names, from wheels for aarch64 alone, with their hashes.

    Args:
        place: the directory they go to.
        options: further ones of `uv pip install`.

    Returns:
        What is wrong, such as a package without such a wheel; empty if nothing is.
    """
    wheels = ("--only-binary=:all:", f"--python-platform={_PLATFORM}", f"--python-version={SUITE_PYTHON}")
    result = subprocess.run(
        [
            *(str(_UV), "pip", "install", "--quiet", "--no-deps", "--require-hashes", *wheels, *options),
            *("--target", str(place), "--requirements", str(lock)),
        ],
        capture_output=True,
        text=True,
        timeout=_FETCH_SECONDS,
        check=False,
    )
    return "" if result.returncode == 0 else result.stderr or str(result.returncode)


def packages_of(lock: Path) -> Path:
    """A directory with what a lock names, kept between runs, together with the byte code that the emulated machine makes of it.

    To compile takes that machine as long as the rest of a server's start.

    Raises:
        AssertionError: a package has no wheel for aarch64.
    """
    place = CACHE / f"{SUITE}-aarch64-site-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not place.exists():
        partial = place.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was ended
        assert (fault := install_from_lock(lock, partial)) == "", fault
        partial.rename(place)
    return place


def emulated(root: Path) -> tuple[str, ...]:
    """The command that is Python on the emulated machine.

    Args:
        root: as `system_files` gives it.
    """
    return (_QEMU, "-L", str(root), str(root / f"usr/bin/python{SUITE_PYTHON}"))
