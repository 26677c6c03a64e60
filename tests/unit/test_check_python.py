"""A newcomer whose Python will not do is told so before anything is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/check-python"


def check(python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), python], capture_output=True, text=True, check=False)


def fake(directory: Path, *, fails_on: str) -> str:
    """An interpreter that answers with success unless it is asked about something."""
    path = directory / "python3"
    path.write_text(f'#!/bin/sh\ncase "$*" in *{fails_on}*) exit 1;; *--version*) echo Python 3.9.2;; esac\n')
    path.chmod(0o755)
    return str(path)


def test_this_python_will_do() -> None:
    result = check(sys.executable)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fails_on", "told"),
    [("version_info", "needs Python 3.11 or newer, but"), ("ensurepip", "apt-get install python3-venv")],
)
def test_what_is_missing_is_named(tmp_path: Path, fails_on: str, told: str) -> None:
    result = check(fake(tmp_path, fails_on=fails_on))

    assert result.returncode == 1
    assert told in result.stderr


def test_no_python_at_all(tmp_path: Path) -> None:
    result = check(str(tmp_path / "python3"))

    assert result.returncode == 1
    assert "not found" in result.stderr
