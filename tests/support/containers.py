"""Builds images from a base made on this machine, and runs them, with nothing fetched from an image registry."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.package_index import PackageIndex

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pierhead-tests"
"""What takes long to make and changes rarely is kept here between runs."""

SUITE = "bookworm"
SUITE_PYTHON = "3.11"
BASE_PACKAGES = ("ca-certificates", "python3", "python3-venv")
BASE_IMAGE = f"localhost/pierhead-test-base:{SUITE}"

_NEEDED = ("podman", "buildah", "runc", "mmdebstrap")
# overlay: the default where there is no kernel support is to copy every layer. runc and cgroupfs do without
# systemd; limits no higher than the hard limits of a container that the tests themselves may be running in.
_STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{cache}/storage"
runroot = "{cache}/run"
"""
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
"""


def missing_for_images() -> str | None:
    """Why images cannot be built here, or None where they can."""
    if os.geteuid() != 0:
        return "building and running images takes root here"
    absent = [name for name in _NEEDED if not any((Path(p) / name).exists() for p in os.get_exec_path())]
    return f"not installed: {', '.join(absent)}" if absent else None


@dataclass(frozen=True)
class Engine:
    """podman and buildah with settings of their own, apart from the machine's images and containers.

    Attributes:
        directory: for settings and for what lives as long as the tests.
    """

    directory: Path

    @classmethod
    def start(cls, directory: Path) -> Engine:
        """Write the settings, and make the base image if there is none yet."""
        CACHE.mkdir(parents=True, exist_ok=True)
        (directory / "storage.conf").write_text(_STORAGE_CONF.format(cache=CACHE))
        (directory / "containers.conf").write_text(_CONTAINERS_CONF)
        engine = cls(directory)
        if engine.run("podman", "image", "exists", BASE_IMAGE, check=False).returncode:
            engine.run("podman", "import", "--quiet", str(_base_tarball()), BASE_IMAGE)
        return engine

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a podman or buildah command to its end.

        Raises:
            AssertionError: it failed; with what it printed.
        """
        settings = {
            "CONTAINERS_STORAGE_CONF": str(self.directory / "storage.conf"),
            "CONTAINERS_CONF": str(self.directory / "containers.conf"),
        }
        result = subprocess.run(
            command, env=os.environ | settings, capture_output=True, text=True, timeout=600, check=False
        )
        if check:
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result

    def output(self, *command: str) -> str:
        """What a podman or buildah command prints, without white space around it."""
        return self.run(*command).stdout.strip()

    def build(self, project: Path, tag: str, index: PackageIndex) -> None:
        """Build the project's image on the base, from a registry with an authority of its own.

        Steps whose instruction and files are as in a build before are not done again.
        """
        config = self.directory / "pip.conf"
        config.write_text(f"[global]\nindex-url = {index.url}\ncert = /run/secrets/ca.pem\n")
        self.run(
            *(
                "buildah",
                "bud",
                "--quiet",
                "--layers",
                "--isolation",
                "chroot",
                "--network",
                "host",
                "--format",
                "docker",
            ),
            *("--build-arg", f"BASE={BASE_IMAGE}"),
            *("--secret", f"id=pip.conf,src={config}"),
            *("--secret", f"id=ca.pem,src={index.certificate}"),
            *("--file", str(project / "containers/Containerfile"), "--tag", tag, str(project)),
        )


def _base_tarball() -> Path:
    """A minimal Debian with Python, from the mirror that this machine's own apt uses."""
    tarball = CACHE / f"{SUITE}-{'-'.join(BASE_PACKAGES)}.tar"
    if not tarball.exists():
        partial = tarball.with_suffix(".part.tar")
        packages = ",".join(BASE_PACKAGES)
        options = ("--quiet", "--mode=root", "--variant=minbase", f"--include={packages}")
        subprocess.run(
            ["mmdebstrap", *options, SUITE, str(partial), debian_mirror()], check=True, timeout=600
        )
        partial.rename(tarball)
    return tarball


def debian_mirror() -> str:
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    wanted = ["Identifier: Packages", f"Codename: {SUITE}", "Component: main"]
    targets = subprocess.run([*command, *wanted], capture_output=True, text=True, check=True).stdout.split()
    assert targets, f"apt on this machine knows no source for {SUITE}; run apt-get update"
    return targets[0]
