"""S3 engines beside each other: the table in docs/operations.md says what was seen here.

`make engine-table` writes what it sees into the table.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.storage.s3.opening import open_s3_store
from app.storage.urls import S3Place
from tests.support.aws import S3Endpoint, open_bucket, point_aws_at
from tests.support.engine_features import FEATURES, Asked, has
from tests.support.engines import ENGINES

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
_TABLE = re.compile(r"(?<=<!-- engines: made by `make engine-table` -->\n\n)(?:\|.*\n)*")

Table = dict[str, dict[str, str]]
"""`yes` or `no`, by feature and engine."""


def written_table() -> Table:
    found = _TABLE.search(GUIDE.read_text())
    assert found is not None
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines()]
    if not rows:
        return {}
    (_, *engines), _, *features = rows
    return {feature: dict(zip(engines, cells, strict=True)) for feature, *cells in features}


def write_table(table: Table) -> None:
    lines = [["", *ENGINES], ["---"] * (1 + len(ENGINES))]
    lines += [[feature, *(table.get(feature, {}).get(name, "?") for name in ENGINES)] for feature in FEATURES]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("|  |", "| |")
    GUIDE.write_text(_TABLE.sub(lambda _: text, GUIDE.read_text(), count=1))


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
    if request.config.getoption("--write-engine-table"):
        table = written_table()
        table.setdefault(feature, {})[name] = seen
        write_table(table)
    assert written_table()[feature][name] == seen


def test_the_table_has_every_feature_and_engine() -> None:
    table = written_table()
    assert list(table) == list(FEATURES)
    assert {tuple(cells) for cells in table.values()} == {tuple(ENGINES)}
