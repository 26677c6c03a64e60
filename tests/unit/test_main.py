"""What is set up for the whole process."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from app.main import prepare_process


@pytest.fixture
def usual_interpreter() -> Iterator[None]:
    thresholds, switch_interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(switch_interval)


@pytest.mark.usefixtures("usual_interpreter")
def test_new_objects_seldom_start_a_pass_over_old_ones() -> None:
    prepare_process()
    before = gc.get_stats()[2]["collections"]
    kept = [(number, str(number)) for number in range(200_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 200_000


@pytest.mark.usefixtures("usual_interpreter")
def test_the_collector_that_rests_during_the_start_works_again() -> None:
    gc.disable()
    prepare_process()
    assert gc.isenabled()


@pytest.mark.usefixtures("usual_interpreter")
def test_threads_give_way_to_the_event_loop_sooner_than_usual() -> None:
    usual = 0.005
    sys.setswitchinterval(usual)
    prepare_process()
    assert sys.getswitchinterval() < usual
