"""The manifests as kustomize makes them, held against the schemas of Kubernetes. Costs 15 seconds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.deployment import Tree
from tests.support.manifests import KUBERNETES, OVERLAYS, faults_in, rendered

VALIDATE = Path(sys.executable).with_name("kubernetes-validate")
WITHOUT_SCHEMA = {"ServiceMonitor"}
"""Kinds that are not part of Kubernetes itself."""


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> list[Tree]:
    return rendered(KUBERNETES / "overlays" / request.param)


def faults_of(directory: Path, manifests: list[Tree]) -> str:
    """What does not follow the schemas."""
    file = directory / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(made for made in manifests if made["kind"] not in WITHOUT_SCHEMA))
    checked = subprocess.run(
        [VALIDATE, "--strict", "--quiet", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return checked.stdout + checked.stderr + ("" if checked.returncode == 0 else f"{checked.returncode}")


def test_they_follow_the_schemas(manifests: list[Tree], tmp_path: Path) -> None:
    assert faults_of(tmp_path, manifests) == ""


def test_what_they_name_is_there(manifests: list[Tree]) -> None:
    assert faults_in(manifests) == []


def test_changed_settings_make_new_pods(manifests: list[Tree]) -> None:
    names = [made["metadata"]["name"] for made in manifests if made["kind"] == "ConfigMap"]
    assert len(names) == 2
    assert all(re.search(r"-[a-z0-9]{10}$", name) for name in names)


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    (deployment,) = [made for made in rendered(KUBERNETES / "base") if made["kind"] == "Deployment"]
    assert faults_of(tmp_path, [deployment]) == ""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["readinessProbes"] = container.pop("readinessProbe")
    assert "readinessProbes" in faults_of(tmp_path, [deployment])
