"""The image: built from nothing but this checkout and a plain Debian, run the way a cautious operator runs it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.sample_tree.build import build_tree
from scripts.sample_tree.items import text
from tests.support.containers import SUITE_PYTHON, Engine, missing_for_images
from tests.support.package_index import package_index
from tests.support.waiting import answers, fetch, free_port, wait_until

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(1800)  # the first run makes a Debian and installs the lock


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    assert missing_for_images() is None, missing_for_images()
    return Engine.start(tmp_path_factory.mktemp("containers"))


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tag = f"localhost/pierhead-test:{uuid.uuid4().hex[:12]}"
    with package_index(tmp_path_factory.mktemp("index"), SUITE_PYTHON) as index:
        engine.build(PROJECT, tag, index)
    yield tag
    engine.run("podman", "rmi", "--force", tag)
    # What a build finds again, such as the packages of the lock, is left for the next one.
    engine.run("podman", "image", "prune", "--force", "--filter", "until=240h")


@dataclass(frozen=True)
class Container:
    name: str
    url: str


@pytest.fixture(scope="module")
def container(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A running one, with as few rights as a container can have."""
    tree = tmp_path_factory.mktemp("served") / "tree"
    build_tree([text("hello.txt", "hello\n", 1_000_000_000)], tree)
    tree.parent.chmod(0o755)
    started = start(engine, image, tree)
    yield started
    engine.run("podman", "rm", "--force", started.name)


def start(engine: Engine, image: str, tree: Path) -> Container:
    port = free_port()
    name = f"pierhead-test-{uuid.uuid4().hex[:12]}"
    engine.run(
        *("podman", "run", "--detach", "--name", name, "--network=host", "--read-only", "--cap-drop=all"),
        *("--security-opt=no-new-privileges", "--memory=2g", "--pids-limit=200"),
        *("--volume", f"{tree}:/srv/tree:ro", "--env", "PIERHEAD_STORAGE=file:///srv/tree"),
        *("--env", f"PIERHEAD_PORT={port}", image),
    )
    return Container(name, f"http://127.0.0.1:{port}")


def test_it_serves_the_tree(engine: Engine, container: Container) -> None:
    up = wait_until(lambda: answers(f"{container.url}/healthz"))

    assert up, engine.run("podman", "logs", container.name).stderr
    assert b"hello.txt" in fetch(f"{container.url}/")
    assert fetch(f"{container.url}/hello.txt") == b"hello\n"


def test_it_runs_without_any_rights(engine: Engine, container: Container) -> None:
    pid = engine.output("podman", "inspect", "--format", "{{.State.Pid}}", container.name)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())

    assert set(status["Uid"].split()) == {"10001"}
    assert set(status["Gid"].split()) == {"10001"}
    assert int(status["CapEff"], 16) == 0
    assert engine.run("podman", "exec", container.name, "touch", "/srv/x", check=False).returncode != 0


def test_its_own_health_check_passes(engine: Engine, container: Container) -> None:
    assert wait_until(lambda: answers(f"{container.url}/healthz"))
    result = engine.run("podman", "healthcheck", "run", container.name, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_its_health_check_can_fail(engine: Engine, image: str) -> None:
    check = json.loads(
        engine.output("podman", "image", "inspect", "--format", "{{json .HealthCheck.Test}}", image)
    )
    nobody = ("--network=none", "--entrypoint", json.dumps(check[1:]))

    assert check[0] == "CMD"
    assert engine.run("podman", "run", "--rm", *nobody, image, check=False).returncode == 1


def test_it_stops_when_told_to(engine: Engine, image: str, tmp_path: Path) -> None:
    build_tree([text("hello.txt", "hello\n", 1_000_000_000)], tmp_path / "tree")
    started = start(engine, image, tmp_path / "tree")
    try:
        assert wait_until(lambda: answers(f"{started.url}/healthz"))
        engine.run("podman", "stop", "--time", "60", started.name)

        # 137 would mean that it had to be killed.
        assert engine.output("podman", "inspect", "--format", "{{.State.ExitCode}}", started.name) in (
            "0",
            "143",
        )
    finally:
        engine.run("podman", "rm", "--force", started.name)


def test_nothing_of_the_build_is_left(engine: Engine, image: str) -> None:
    mounted = Path(engine.output("podman", "image", "mount", image))
    try:
        files = [Path(folder) / name for folder, _, names in os.walk(mounted) for name in names]
        names = {path.name for path in files if path.parent.name == "bin"}

        assert names >= {"python3", "pierhead"}
        assert not names & {"gcc", "cc", "g++", "c++", "clang", "make", "pip", "pip3", "hatchling", "uv"}
        assert not [path for path in files if path.name in ("pip.conf", "ca.pem")]
        assert not [path for path in files if ".cache/pip" in str(path)]
        packages = {
            path.name for path in next(mounted.glob("opt/pierhead/lib/python3*/site-packages")).iterdir()
        }
        assert {"app", "fastapi", "aioboto3"} <= packages
        assert not packages & {"pip", "hatchling", "editables", "pytest"}
    finally:
        engine.run("podman", "image", "unmount", image)


def test_it_says_what_it_is(engine: Engine, image: str) -> None:
    config = json.loads(engine.output("podman", "image", "inspect", "--format", "{{json .Config}}", image))

    assert config["User"] == "10001:10001"
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert not [setting for setting in config["Env"] if setting.startswith(("PIP_", "PIERHEAD_"))]
