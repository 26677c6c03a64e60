"""Manifests for Kubernetes, held against the server and against each other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError

from app.config import Settings
from app.server.front_door import QUIET
from tests.support.deployment import CONTAINERS, Tree, settings_of, stop_seconds

KUBERNETES: Final = CONTAINERS / "kubernetes"
OVERLAYS: Final = sorted(path.parent.name for path in KUBERNETES.glob("overlays/*/kustomization.yaml"))
_SECRET_KEYS: Final = {"PIERHEAD_SECRET_KEYS": "0123456789abcdef" * 2}


def written(directory: Path) -> list[Tree]:
    """What a kustomization and those that it uses have, before kustomize: with the settings in a ConfigMap, without patches."""
    settings: dict[str, str] = {}
    documents = list(_written(directory, settings))
    return [*documents, {"kind": "ConfigMap", "metadata": {"name": "pierhead"}, "data": settings}]


def _written(directory: Path, settings: dict[str, str]) -> Iterator[Tree]:
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text())
    for name in (*kustomization.get("resources", ()), *kustomization.get("components", ())):
        if (directory / name).is_dir():
            yield from _written(directory / name, settings)
        else:
            yield from yaml.safe_load_all((directory / name).read_text())
    for made in kustomization.get("configMapGenerator", ()):
        settings |= dict(literal.split("=", 1) for literal in made.get("literals", ()))
        if files := made.get("files"):
            data = {name: (directory / name).read_text() for name in files}
            yield {"kind": "ConfigMap", "metadata": {"name": made["name"]}, "data": data}


def rendered(directory: Path) -> list[Tree]:
    """What kustomize makes of it."""
    made = subprocess.run(
        ["kubectl", "kustomize", str(directory)], capture_output=True, text=True, timeout=120, check=True
    )
    return list(yaml.safe_load_all(made.stdout))


def faults_in(manifests: Sequence[Tree]) -> list[str]:
    """What they name that there is not, and what a careful operator would not accept."""
    maps = {made["metadata"]["name"]: made["data"] for made in _of(manifests, "ConfigMap")}
    (deployment,) = _of(manifests, "Deployment")
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    environment: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            environment |= maps.get(source["configMapRef"]["name"], {})
    try:
        settings = settings_of(environment | _SECRET_KEYS)
    except ValidationError as error:
        return [str(error)]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    return [
        *_port_faults(settings, ports),
        *_probe_faults(container, ports),
        *_pod_faults(settings, pod["spec"], container),
        *_file_faults(settings, pod["spec"], container, maps),
        *_selector_faults(manifests, pod["metadata"]["labels"], deployment["metadata"]["name"]),
        *_network_faults(manifests, settings, ports),
        *_monitor_faults(manifests),
    ]


def _of(manifests: Iterable[Tree], kind: str) -> list[Tree]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def _port_faults(settings: Settings, ports: dict[str, int]) -> Iterator[str]:
    if settings.host != "0.0.0.0":
        yield f"the server listens on {settings.host}"
    if ports["http"] != settings.port:
        yield f"http is {ports['http']}, the server listens on {settings.port}"
    if str(settings.admin_listen) != f"0.0.0.0:{ports['admin']}":
        yield f"admin is {ports['admin']}, the server listens on {settings.admin_listen}"


def _probe_faults(container: Tree, ports: dict[str, int]) -> Iterator[str]:
    for name, path in (("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz")):
        asked = container[f"{name}Probe"]["httpGet"]
        if asked["path"] != path:
            yield f"the {name} probe asks {asked['path']}"
        if asked["port"] not in ports:
            yield f"the {name} probe asks no port {asked['port']}"


def _pod_faults(settings: Settings, pod: Tree, container: Tree) -> Iterator[str]:
    if pod["terminationGracePeriodSeconds"] <= stop_seconds(settings):
        yield "it is killed before it has stopped"
    if pod.get("enableServiceLinks") is not False:
        yield "services become settings"
    if not pod["securityContext"]["runAsNonRoot"] or pod["securityContext"]["runAsUser"] == 0:
        yield "it may be root"
    rights = container["securityContext"]
    if rights["capabilities"] != {"drop": ["ALL"]} or rights["allowPrivilegeEscalation"]:
        yield "it has capabilities"
    if not rights["readOnlyRootFilesystem"]:
        yield "it may write to its image"


def _file_faults(settings: Settings, pod: Tree, container: Tree, maps: dict[str, Tree]) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounted = {}
    for mount in container["volumeMounts"]:
        if mount["name"] not in volumes:
            yield f"no volume {mount['name']}"
            continue
        mounted[mount["mountPath"]] = volumes[mount["name"]]
    if "/tmp" not in mounted:
        yield "it has no place for what it writes"
    policy = Path(settings.policy_file or "")
    held = mounted.get(str(policy.parent), {}).get("configMap", {"name": None})
    if policy.name not in maps.get(held["name"], {}):
        yield f"no file {policy}"
    for url in settings.storage:
        if str(url).startswith("/") and str(url) not in mounted:
            yield f"nothing is mounted at {url}"


def _selector_faults(manifests: Sequence[Tree], labels: dict[str, str], name: str) -> Iterator[str]:
    for kind, field in (
        *(("Deployment", "selector"), ("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")),
        ("Service", "selector"),
    ):
        for manifest in _of(manifests, kind):
            selector = manifest["spec"][field]
            selected = selector if kind == "Service" else selector.get("matchLabels")
            if not selected or not selected.items() <= labels.items():
                yield f"the {kind} {manifest['metadata']['name']} selects other pods"
    for scaler in _of(manifests, "HorizontalPodAutoscaler"):
        if scaler["spec"]["scaleTargetRef"] != {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}:
            yield "the autoscaler scales something else"


def _network_faults(manifests: Sequence[Tree], settings: Settings, ports: dict[str, int]) -> Iterator[str]:
    services = {made["metadata"]["name"]: made["spec"]["ports"] for made in _of(manifests, "Service")}
    for name, offered in services.items():
        yield from (f"{name} leads to no port" for port in offered if port["targetPort"] not in ports)
    for policy in _of(manifests, "NetworkPolicy"):
        let_in = [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]]
        yield from (f"no port {port} is let in" for port in let_in if port not in ports)
        if "admin" in let_in and not all("from" in rule for rule in policy["spec"]["ingress"]):
            yield "everybody reaches the admin listener"
    for ingress in _of(manifests, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            backend = rule["http"]["paths"][0]["backend"]["service"]
            if backend["port"]["name"] not in [port["name"] for port in services.get(backend["name"], ())]:
                yield f"the ingress leads to no service {backend['name']}"
            if rule["host"] not in settings.site_hosts:
                yield f"{rule['host']} is not the site's"


def _monitor_faults(manifests: Sequence[Tree]) -> Iterator[str]:
    for monitor in _of(manifests, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [
            service
            for service in _of(manifests, "Service")
            if wanted <= service["metadata"].get("labels", {}).items()
        ]
        if [service["metadata"]["name"] for service in found] != ["pierhead-admin"]:
            yield "the monitor finds no service, or too many"
        (endpoint,) = monitor["spec"]["endpoints"]
        if endpoint["path"] not in QUIET:
            yield f"the monitor asks {endpoint['path']}"
        if endpoint["port"] not in [port["name"] for service in found for port in service["spec"]["ports"]]:
            yield f"the monitor asks no port {endpoint['port']}"


def secrets_named(manifests: Sequence[Tree]) -> set[str]:
    """The names of the Secrets that have to be there."""
    (deployment,) = _of(manifests, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source}
