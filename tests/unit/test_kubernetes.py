"""The manifests for Kubernetes name what there is: settings, ports, paths, files, and each other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.deployment import PROJECT
from tests.support.manifests import KUBERNETES, OVERLAYS, faults_in, secrets_named, written

BUCKET = "overlays/bucket"
GUIDE = (PROJECT / "docs/deployment.md").read_text()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_they_name_is_there(overlay: str) -> None:
    manifests = written(KUBERNETES / "overlays" / overlay)
    # The volume of the directory comes by a patch, which kustomize applies.
    patched = ["nothing is mounted at /srv/releases"] if overlay == "directory" else []
    assert faults_in(manifests) == patched


def test_the_guide_makes_the_secrets() -> None:
    made = set(re.findall(r"kubectl .*create secret generic (\S+)", GUIDE))
    assert secrets_named(written(KUBERNETES / BUCKET)) == made


@pytest.mark.parametrize(
    ("file", "right", "wrong", "fault"),
    [
        ("base/kustomization.yaml", "PIERHEAD_DRAIN_DELAY", "PIERHEAD_DRAIN_WAIT", "drain_wait"),
        ("base/kustomization.yaml", "DRAIN_TIMEOUT=60", "DRAIN_TIMEOUT=80", "killed before"),
        ("base/kustomization.yaml", "0.0.0.0:8001", "0.0.0.0:9001", "admin is 8001"),
        ("base/kustomization.yaml", "HOST=0.0.0.0", "HOST=127.0.0.1", "listens on 127.0.0.1"),
        ("base/kustomization.yaml", "pierhead/policy.toml", "pierhead/rules.toml", "no file"),
        (f"{BUCKET}/kustomization.yaml", "SITE_HOSTS=rel", "SITE_HOSTS=real", "is not the site's"),
        (f"{BUCKET}/kustomization.yaml", "=s3://", "=s4://", "storage"),
        (f"{BUCKET}/ingress.yaml", "name: http", "name: https", "the ingress leads"),
        ("base/deployment.yaml", "containerPort: 8000", "containerPort: 8080", "http is 8080"),
        ("base/deployment.yaml", "path: /readyz", "path: /ready", "readiness probe asks /ready"),
        ("base/deployment.yaml", "port: admin", "port: probes", "startup probe asks no port"),
        ("base/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "root"),
        ("base/deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "image"),
        ("base/deployment.yaml", "- ALL", "- NET_RAW", "capabilities"),
        ("base/deployment.yaml", "enableServiceLinks: false", "enableServiceLinks: true", "services"),
        ("base/deployment.yaml", "mountPath: /tmp", "mountPath: /var/tmp", "no place"),
        ("base/deployment.yaml", "- name: tmp\n              mount", "- name: temp\n              mount", "no volume temp"),
        ("base/service.yaml", "targetPort: http", "targetPort: web", "leads to no port"),
        ("base/service.yaml", "name: pierhead\n  ports", "name: berth\n  ports", "selects other pods"),
        ("base/scaling.yaml", "kind: Deployment", "kind: StatefulSet", "autoscaler"),
        ("base/scaling.yaml", "matchLabels:\n      app.kubernetes.io/name: pierhead", "{}", "selects other"),
        ("base/network-policy.yaml", "port: http", "port: https", "no port https is let in"),
        ("base/network-policy.yaml", "port: http", "port: admin", "everybody reaches"),
        ("monitoring/service-monitor.yaml", "path: /metrics", "path: /metric", "asks /metric"),
        ("monitoring/service-monitor.yaml", "- port: admin\n      path", "- port: web\n      path", "no port web"),
        ("monitoring/service-monitor.yaml", "component: admin\nspec", "component: web\nspec", "no service"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(tmp_path: Path, file: str, right: str, wrong: str, fault: str) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    changed = tmp_path / "kubernetes" / file
    assert right in changed.read_text()
    changed.write_text(changed.read_text().replace(right, wrong, 1))
    assert fault in "\n".join(faults_in(written(tmp_path / "kubernetes" / BUCKET)))
