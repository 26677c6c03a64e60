"""The role for Ansible, run on this machine into directories of its own. Costs a minute: it installs what a directory needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support import fake_systemctl
from tests.support.deployment import CONTAINERS, PROJECT
from tests.support.package_index import PackageIndex, package_index
from tests.support.waiting import free_port, wait_until

ANSIBLE = CONTAINERS / "ansible"
BIN = Path(sys.executable).parent
RUNTIME = PROJECT / "requirements/runtime.txt"
CONFIGURE = ("--start-at-task", "Refuse secrets in a file that everybody on the host can read")
"""Leaves out the installation, which takes no settings and half of the time of a run that changes nothing."""

pytestmark = pytest.mark.timeout(1800)  # a busy machine takes many times as long


class Host:
    """This machine, as a host of the role."""

    def __init__(self, directory: Path, wheel: Path, lock: Path, index: PackageIndex) -> None:
        self.port, self.admin_port = free_port(), free_port()
        self.directory = directory
        self.systemctl = directory / "bin/systemctl"
        self.settings: dict[str, Any] = {
            "storage": str(directory / "tree"),
            "port": self.port,
            "admin_listen": f"127.0.0.1:{self.admin_port}",
            "site_title": 'Quay "one"',
        }
        self._wheel, self._lock, self._index = wheel, lock, index
        for name in ("tree", "bin/units", "opt"):
            (directory / name).mkdir(parents=True)
        shutil.copy(fake_systemctl.__file__, self.systemctl)
        self.systemctl.chmod(0o755)

    def run(self, *options: str, check: bool = True, **settings: object) -> dict[str, int]:
        """Apply the role with these settings more. Returns how many tasks did what.

        Args:
            options: of `ansible-playbook`.
            check: fail where the role fails.
        """
        variables = {
            "pierhead_wheel": str(self._wheel),
            "pierhead_lock": str(self._lock),
            "pierhead_packages": [],
            "pierhead_python": sys.executable,
            "pierhead_home": str(self.directory / "opt/pierhead"),
            "pierhead_configuration": str(self.directory / "etc"),
            "pierhead_units": str(self.systemctl.parent / "units"),
            "pierhead_settings": self.settings | settings,
            "pierhead_files": [str(ANSIBLE / "policy.toml")],
            "pierhead_environment": {"PIERHEAD_SECRET_KEYS": '0123456789$"abcdef\\' * 2},
            "pierhead_ready_url": f"http://127.0.0.1:{self.admin_port}/readyz",
        }
        play = {"hosts": "all", "gather_facts": False, "roles": [{"role": str(ANSIBLE / "roles/pierhead")}]}
        (self.directory / "play.json").write_text(json.dumps([play]))
        (self.directory / "variables.json").write_text(json.dumps(variables))
        ended = ansible(
            *("ansible-playbook", "-i", "localhost,", "-c", "local", "-e", "@variables.json", "play.json"),
            *options,
            directory=self.directory,
            ANSIBLE_PIPELINING="1",
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
            PATH=f"{self.systemctl.parent}:{os.environ['PATH']}",
            **self._index.environ(),
        )
        assert not check or ended.returncode == 0, ended.stdout + ended.stderr
        (recap,) = re.findall(r"^localhost +: (.*)$", ended.stdout, re.MULTILINE)
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", recap)}

    def asked_of_systemd(self) -> list[str]:
        """Since the last time."""
        asked = self.systemctl.with_name("asked")
        verbs = asked.read_text().split() if asked.exists() else []
        asked.write_text("")
        return verbs

    def title(self) -> str:
        page = httpx.get(f"http://127.0.0.1:{self.port}/", trust_env=False, timeout=30).text
        return page.partition("<title>")[2].partition("</title>")[0]


def ansible(*command: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a program of Ansible's makes of it, with a home of its own."""
    home = directory / "home"
    home.mkdir(exist_ok=True)
    given: Mapping[str, str] = os.environ | {"LC_ALL": "C.UTF-8", "HOME": str(home), **environment}
    return subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=directory,
        env=given,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """One on which the role has not been run, with the wheel of this checkout and a lock of what a directory needs."""
    build = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path))
    subprocess.run([BIN / "pip", "wheel", *build, PROJECT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    lock = tmp_path / "lock.txt"
    pinned = ("--quiet", "--universal", "--generate-hashes", "--no-header", "--constraint", RUNTIME)
    subprocess.run(
        [BIN / "uv", "pip", "compile", *pinned, "--output-file", lock, PROJECT / "pyproject.toml"], check=True
    )
    with package_index(tmp_path) as index:
        made = Host(tmp_path, wheel, lock, index)
        try:
            yield made
        finally:
            subprocess.run([made.systemctl, "stop"], check=True)


def test_it_installs_changes_nothing_twice_reloads_and_refuses(host: Host) -> None:
    host.run()
    assert {"enable", "start"} <= set(host.asked_of_systemd())
    assert "Quay" in host.title()
    assert (host.directory / "opt/pierhead").is_symlink()
    assert stat.S_IMODE((host.directory / "etc/environment").stat().st_mode) == 0o600

    assert host.run()["changed"] == 0
    assert host.asked_of_systemd() == []

    assert host.run(*CONFIGURE, site_title="Second quay")["changed"] > 0
    assert host.asked_of_systemd() == ["reload"]
    assert wait_until(lambda: "Second quay" in host.title(), 60)

    written = (host.directory / "etc/pierhead.toml").read_text()
    assert host.run(*CONFIGURE, check=False, site_tittle="Third quay")["failed"] == 1
    assert (host.directory / "etc/pierhead.toml").read_text() == written
    assert host.asked_of_systemd() == []


def test_it_installs_the_lock_of_the_checkout_unless_another_is_named() -> None:
    role = ANSIBLE / "roles/pierhead"
    defaults = yaml.safe_load((role / "defaults/main.yaml").read_text())
    assert Path(defaults["pierhead_lock"].replace("{{ role_path }}", str(role))).resolve() == RUNTIME


def test_ansible_lint_finds_nothing_but_what_is_wrong(tmp_path: Path) -> None:
    shutil.copytree(ANSIBLE, tmp_path / "right")
    shutil.copytree(ANSIBLE, tmp_path / "wrong")
    tasks = tmp_path / "wrong/roles/pierhead/tasks/main.yaml"
    tasks.write_text(tasks.read_text().replace("ansible.builtin.systemd_service", "systemd"))
    lint = (
        "ansible-lint",
        "--offline",
        "--nocolor",
        "--format=pep8",
        "--profile=production",
        "right",
        "wrong",
    )
    found = ansible(*lint, directory=tmp_path, PATH=f"{BIN}:{os.environ['PATH']}").stdout
    assert "fqcn" in found
    assert {line.partition(":")[0] for line in found.splitlines()} == {"wrong/roles/pierhead/tasks/main.yaml"}
