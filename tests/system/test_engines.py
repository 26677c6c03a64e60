"""S3 engines beside each other: the table in docs/operations.md says what was seen here.

`make engine-table` writes what it sees into the table.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.domain.storage_urls import S3Place
from app.storage.s3.opening import open_s3_store
from tests.support.aws import S3Endpoint, open_bucket, point_aws_at
from tests.support.engine_features import FEATURES, Asked, has
from tests.support.engines import ENGINES
from tests.support.made_tables import MadeTable

TABLE = MadeTable("engine-table", FEATURES, ENGINES)


@pytest.fixture
async def asked(
    engine: tuple[str, S3Endpoint], feature: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asked]:
    """A bucket for each question, since what some engines were given cannot be deleted."""
    _, endpoint = engine
    point_aws_at(monkeypatch, endpoint)
    async with (
        open_bucket(f"feature-{list(FEATURES).index(feature)}") as hand,
        open_s3_store(S3Place(hand.name), observe=lambda *_: None) as store,
        httpx.AsyncClient(trust_env=False, timeout=60) as web,
    ):
        yield Asked(endpoint, hand, store, web)


@pytest.mark.parametrize("feature", FEATURES)
async def test_the_table_says_what_an_engine_does(
    engine: tuple[str, S3Endpoint], asked: Asked, feature: str, request: pytest.FixtureRequest
) -> None:
    name, _ = engine
    seen = "yes" if await has(feature, asked) else "no"
    if request.config.getoption("--write-tables"):
        TABLE.write(feature, name, seen)
    assert TABLE.written()[feature][name] == seen


def test_the_table_has_every_feature_and_engine() -> None:
    assert TABLE.has_all()
