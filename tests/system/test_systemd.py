"""The unit files, read by systemd itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.deployment import CONTAINERS, PROJECT

UNITS = CONTAINERS / "systemd"
INSTALLED = "/opt/pierhead/bin/pierhead"


def faults_of(directory: Path, service: str) -> str:
    """What systemd finds wrong with the units, with this text as the service."""
    (directory / "pierhead.service").write_text(service)
    (directory / "pierhead.socket").write_text((UNITS / "pierhead.socket").read_text())
    verified = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            "--recursive-errors=no",
            *map(str, directory.glob("pierhead.*")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return verified.stderr + ("" if verified.returncode == 0 else f"status {verified.returncode}")


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    # It checks that the program is there.
    service = (UNITS / "pierhead.service").read_text().replace(INSTALLED, "/bin/true")
    assert faults_of(tmp_path, service) == ""


def test_it_would_find_what_is_wrong(tmp_path: Path) -> None:
    service = (UNITS / "pierhead.service").read_text()
    assert INSTALLED in faults_of(tmp_path, service)
    assert "WatchdogSeconds" in faults_of(tmp_path, service.replace("WatchdogSec", "WatchdogSeconds"))


def exposure_of(directory: Path, service: str) -> float:
    """What systemd makes of the service's rights: 0 is none, 10 is all."""
    (directory / "pierhead.service").write_text(service.replace(INSTALLED, "/bin/true"))
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(directory / "pierhead.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", rated.stdout)
    return float(exposure)


def test_its_exposure_is_as_documented(tmp_path: Path) -> None:
    guide = (PROJECT / "docs/deployment.md").read_text()
    (documented,) = re.findall(r"rates its exposure as ([0-9.]+) of 10", guide)
    assert exposure_of(tmp_path, (UNITS / "pierhead.service").read_text()) <= float(documented)


@pytest.mark.parametrize(
    "line", ["SystemCallFilter=@system-service\n", "CapabilityBoundingSet=\n", "PrivateDevices=yes\n"]
)
def test_it_would_find_a_right_more(tmp_path: Path, line: str) -> None:
    service = (UNITS / "pierhead.service").read_text()
    assert line in service
    assert exposure_of(tmp_path, service.replace(line, "")) > exposure_of(tmp_path, service)
