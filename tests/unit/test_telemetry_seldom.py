"""What comes again and again is said once a minute, with how often it was left unsaid."""

from __future__ import annotations

import pytest
import structlog

from app.telemetry.seldom import EVENTS, MAX_CAUSES, PAUSE_SECONDS, Seldom, SeldomEvents
from tests.support.clocks import Clock


def test_a_cause_is_said_once_a_minute_and_another_one_beside_it() -> None:
    clock = Clock()
    seldom = Seldom(clock=clock)
    assert [seldom.due("a") for _ in range(4)] == [0, None, None, None]
    assert seldom.due("b") == 0
    clock.now += PAUSE_SECONDS - 1
    assert seldom.due("a") is None
    clock.now += 1
    assert seldom.due("a") == 4
    assert seldom.due("a") is None


def test_causes_that_strangers_make_do_not_fill_the_memory() -> None:
    seldom = Seldom(clock=Clock())
    for number in range(3 * MAX_CAUSES):
        assert seldom.due(number) == 0
    assert len(seldom._causes) <= MAX_CAUSES


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_events_of_one_folder_are_dropped_until_it_is_time(event: str) -> None:
    clock = Clock()
    drop = SeldomEvents(Seldom(clock=clock))

    def said(folder: str) -> dict[str, object] | None:
        try:
            return dict(drop(None, "", {"event": event, "folder": folder, "names": ["EULA.txt"]}))
        except structlog.DropEvent:
            return None

    assert said("/a/") == {"event": event, "folder": "/a/", "names": ["EULA.txt"]}
    assert said("/a/") is None
    assert said("/b/") is not None
    clock.now += PAUSE_SECONDS
    assert said("/a/") == {"event": event, "folder": "/a/", "names": ["EULA.txt"], "unsaid": 1}


def test_other_events_are_always_said() -> None:
    drop = SeldomEvents(Seldom(clock=Clock()))
    for _ in range(3):
        assert drop(None, "", {"event": "reloaded"}) == {"event": "reloaded"}
