"""The composition of containers, read by Compose itself. Costs a second."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.deployment import CONTAINERS

COMPOSE = (CONTAINERS / "compose.yaml").read_text()
SECRETS = ("PIERHEAD_SECRET_KEYS", "S3_SECRET_KEY", "GRAFANA_PASSWORD")


def faults_of(directory: Path, text: str, without: str = "") -> str:
    """What Compose finds wrong with this text, without one of the variables."""
    file = directory / "compose.yaml"
    file.write_text(text)
    environment = os.environ | {name: "x" for name in SECRETS if name != without}
    checked = subprocess.run(
        ["docker-compose", "--file", str(file), "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


def test_compose_finds_nothing_wrong(tmp_path: Path) -> None:
    assert faults_of(tmp_path, COMPOSE) == ""


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_starts_without_a_secret(tmp_path: Path, name: str) -> None:
    assert faults_of(tmp_path, COMPOSE, without=name) != ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("stop_grace_period", "stop_grace_time"),
        ("condition: service_healthy", "condition: service_well"),
        ("    s3:\n      condition", "    s4:\n      condition"),
        ("      - artifacts:/data", "      - artefacts:/data"),
    ],
)
def test_it_would_find_what_is_wrong(tmp_path: Path, right: str, wrong: str) -> None:
    assert right in COMPOSE
    assert faults_of(tmp_path, COMPOSE.replace(right, wrong, 1)) != ""
