"""What is set up for the whole process."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from app.main import calm_garbage_collector


@pytest.fixture
def usual_collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.usefixtures("usual_collector")
def test_new_objects_seldom_start_a_pass_over_old_ones() -> None:
    calm_garbage_collector()
    before = gc.get_stats()[2]["collections"]
    kept = [(number, str(number)) for number in range(200_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 200_000
