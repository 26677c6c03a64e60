"""What `containers/compose.yaml` and the files that it mounts name is there: services, ports, settings, addresses, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.deployment import (
    ADMIN_PORT,
    CONTAINERS,
    PORT,
    Tree,
    seconds_of,
    settings_of,
    stop_seconds,
    unknown_settings,
    yaml_of,
)
from tests.support.proxies import documented_upstream_and_server

COMPOSE = CONTAINERS / "compose.yaml"
SERVICES: dict[str, Tree] = yaml_of(COMPOSE)["services"]
REPLICAS = {name: service for name, service in SERVICES.items() if "build" in service}
FRONT = (CONTAINERS / "nginx/front.conf").read_text()
EACH_SERVICE = pytest.mark.parametrize("name", SERVICES)
EACH_REPLICA = pytest.mark.parametrize("name", REPLICAS)


def address_of(name: str) -> str:
    address: str = SERVICES[name]["networks"]["default"]["ipv4_address"]
    return address


def mounts(name: str) -> list[tuple[Path, str]]:
    """The files and directories of the project that a service gets, each with its place there."""
    volumes = [volume.split(":") for volume in SERVICES[name].get("volumes", ())]
    return [(CONTAINERS / volume[0], volume[1]) for volume in volumes if volume[0].startswith(".")]


def test_there_are_two_replicas_with_the_same_settings_but_their_name() -> None:
    assert len(REPLICAS) == 2
    without_name = [
        {key: value for key, value in replica["environment"].items() if key != "PIERHEAD_REPLICA_ID"}
        for replica in REPLICAS.values()
    ]
    assert without_name[0] == without_name[1]


def test_every_setting_that_is_named_exists() -> None:
    assert unknown_settings(COMPOSE.read_text()) == []
    assert unknown_settings("PIERHEAD_DRAIN_TIMEOUT PIERHEAD_DRAIN_PATIENCE") == ["drain_patience"]


@EACH_REPLICA
def test_the_server_takes_the_settings_and_has_time_to_stop(name: str) -> None:
    replica = REPLICAS[name]
    key = {"PIERHEAD_SECRET_KEYS": "0123456789abcdef" * 2}
    settings = settings_of(replica["environment"] | key)
    assert stop_seconds(settings) < seconds_of(replica["stop_grace_period"])
    assert str(settings.admin_listen).endswith(f":{ADMIN_PORT}")
    assert [str(network) for network in settings.trusted_proxies] == [address_of("nginx")]


@EACH_REPLICA
def test_the_health_check_asks_the_admin_listener(name: str) -> None:
    assert f"http://127.0.0.1:{ADMIN_PORT}/healthz" in REPLICAS[name]["healthcheck"]["test"][-1]


def test_nginx_is_as_documented_but_for_its_places() -> None:
    documented = documented_upstream_and_server()
    for place, name in zip(("127.0.0.1:8000", "127.0.0.1:8010"), REPLICAS, strict=True):
        documented = documented.replace(place, f"{name}:{PORT}")
    documented = re.sub(r" *ssl_certificate.*\n", "", documented)
    documented = documented.replace("listen 443 ssl", "listen 8080").replace("releases.example.org", "_")
    comment, _, text = FRONT.partition("\n")
    assert comment.startswith("# ")
    assert text == documented


def test_what_is_published_is_listened_on() -> None:
    (published,) = SERVICES["nginx"]["ports"]
    assert re.findall(r"listen (\d+);", FRONT) == [published.split(":")[1]]


@EACH_SERVICE
def test_every_file_that_is_mounted_is_there_and_read_only(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        if volume.startswith("."):
            assert volume.endswith(":ro")
            assert (CONTAINERS / volume.split(":")[0]).exists(), volume
        else:
            assert volume.split(":")[0] in yaml_of(COMPOSE)["volumes"]


@EACH_SERVICE
def test_a_service_runs_with_as_few_rights_as_can_be(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@EACH_SERVICE
def test_an_image_from_elsewhere_has_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image.startswith("localhost/") or re.search(r":v?\d+\.\d+", image)


def test_every_host_that_is_named_is_a_service() -> None:
    texts = [COMPOSE, *CONTAINERS.glob("grafana/provisioning/*/*.yaml")]
    hosts = {host for text in texts for host in re.findall(r"https?://([\w-]+):\d+", text.read_text())}
    assert hosts - {"localhost"} - SERVICES.keys() == set()


def test_prometheus_scrapes_the_admin_listener_of_each_replica() -> None:
    (job,) = yaml_of(CONTAINERS / "prometheus/prometheus.yaml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"{name}:{ADMIN_PORT}" for name in REPLICAS]}]


def test_grafana_finds_its_dashboard_and_its_data() -> None:
    (source,) = yaml_of(CONTAINERS / "grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    (provider,) = yaml_of(CONTAINERS / "grafana/provisioning/dashboards/pierhead.yaml")["providers"]
    placed = {place: directory for directory, place in mounts("grafana")}
    assert source["url"] == "http://prometheus:9090"
    assert source["type"] == "prometheus"
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert provider["options"]["path"] == str(home.parent)
    assert (placed[str(home.parent)] / home.name).is_file()


def test_the_first_lines_name_every_variable_that_has_to_be_set() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    assert needed == set(re.findall(r"(\w+)=\$\(openssl", COMPOSE.read_text()))
