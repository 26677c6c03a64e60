"""A worker whose event loop does not turn is silent to its parent, however well its threads run."""

from __future__ import annotations

from app.server.heartbeat import BEAT, STUCK, STUCK_SECONDS, Pulse
from tests.support.clocks import Clock


def test_a_loop_is_stuck_when_it_has_not_turned_for_a_while() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    clock.now += 1000
    assert pulse.message() == BEAT, "it is being started"
    pulse.beat()
    clock.now += STUCK_SECONDS
    assert pulse.message() == BEAT
    clock.now += 1
    assert pulse.message() == STUCK
    pulse.beat()
    assert pulse.message() == BEAT
