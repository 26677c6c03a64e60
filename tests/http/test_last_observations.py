"""What was answered from memory just before the server stops is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import main
from app.telemetry import Metrics
from tests.support.live_server import app_for
from tests.support.site_trees import client_of

ASKED = 5


def test_answers_just_before_the_end_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Metrics] = []

    def make() -> Metrics:
        made.append(Metrics())
        return made[-1]

    monkeypatch.setattr(main, "Metrics", make)
    (tmp_path / "a").touch()
    with client_of(app_for(str(tmp_path), cache_ttl=60)) as client:
        for _ in range(ASKED):
            assert client.get("/").status_code == 200
    (metrics,) = made
    counted = {
        sample.labels["cache"]: sample.value
        for family in metrics.pages.collect()
        for sample in family.samples
        if sample.name.endswith("_count")
    }
    assert counted["fast"] >= ASKED - 2  # the first fills the cache
    assert sum(counted.values()) == ASKED
