"""The unit files, read by systemd itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNITS = Path(__file__).parents[2] / "containers/systemd"
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
