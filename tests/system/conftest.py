"""The real S3 engine: one cluster per session (and per xdist worker), stopped at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws import S3Endpoint
from tests.support.engines import ENGINES
from tests.support.s3_engine import run_s3_engine

pytest.register_assert_rewrite("tests.support.store_contract")

LONGEST = (
    "test_ansible.py",
    "test_image.py",
    "test_engine_contract.py",
    "test_engines.py",
    "test_geo_dns.py",
    "test_two_engines.py",
    "test_setup.py",
    "test_rolling_upgrade.py",
    "test_shared_cache.py",
    "test_cache_memory.py",
    "test_small_machine.py",
    "test_aarch64.py",
    "test_network_faults.py",
    "test_own_pages.py",
    "test_handshakes.py",
    "test_accessibility.py",
    "test_layout.py",
    "test_manifest_memory.py",
    "test_licence_journey.py",
    "test_script.py",
    "test_alert_rules.py",
)
"""Files that take about half a minute or more. Workers begin with them, the longest first, so that all workers end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)

    items.sort(key=turn)


@pytest.fixture(scope="session")
def s3_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Endpoint]:
    with run_s3_engine(tmp_path_factory.mktemp("s3") / "engine") as endpoint:
        yield endpoint


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, S3Endpoint]]:
    with ENGINES[request.param](tmp_path_factory.mktemp("engine") / "data") as endpoint:
        yield request.param, endpoint
