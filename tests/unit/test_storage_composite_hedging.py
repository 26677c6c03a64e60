"""How much is asked twice, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.storage.composite.hedging import (
    LEAST_CALLS,
    LEAST_DELAY,
    UNHEALTHY_SECONDS,
    CallTimes,
    Health,
    HedgeBudget,
)


@given(st.lists(st.booleans()), st.floats(0, 1), st.floats(1, 20))
def test_there_are_never_more_hedges_than_their_share_of_the_calls(
    wants: list[bool], share: float, most_saved: float
) -> None:
    budget = HedgeBudget(share, most_saved)
    hedges = 0
    for calls, wants_hedge in enumerate(wants, 1):
        budget.note_call()
        hedges += wants_hedge and budget.take()
        assert hedges <= calls * share + 1e-6


@given(st.integers(0, 2000))
def test_a_quiet_time_saves_up_no_more_than_the_bucket_holds(calls: int) -> None:
    budget = HedgeBudget(0.05, 3)
    for _ in range(calls):
        budget.note_call()
    assert sum(budget.take() for _ in range(10)) == min(3, calls // 20)


def test_what_is_spent_is_earned_anew() -> None:
    budget = HedgeBudget(0.5)
    for _ in range(3):
        budget.note_call()
        assert not budget.take()
        budget.note_call()
        assert budget.take()


def test_nothing_is_late_before_there_is_something_to_compare_with() -> None:
    times = CallTimes()
    for _ in range(LEAST_CALLS - 1):
        times.add(1.0)
    assert times.late_after is None
    times.add(1.0)
    assert times.late_after == 1.0


@given(st.permutations([n / 100 for n in range(1, 101)]))
def test_late_is_what_takes_longer_than_95_of_100(seconds: list[float]) -> None:
    times = CallTimes()
    for one in seconds:
        times.add(one)
    assert times.late_after == 0.96


def test_only_recent_calls_count() -> None:
    times = CallTimes(kept=LEAST_CALLS)
    for seconds in [9.0] * LEAST_CALLS + [0.5] * LEAST_CALLS:
        times.add(seconds)
    assert times.late_after == 0.5


def test_a_fast_store_is_given_a_moment() -> None:
    times = CallTimes()
    for _ in range(LEAST_CALLS):
        times.add(0.0001)
    assert times.late_after == LEAST_DELAY


def test_a_store_is_ill_after_a_failure_until_it_answers_or_a_while_is_over() -> None:
    health = Health()
    assert not health.is_ill(0.0)
    assert health.failed(1.0)
    assert not health.failed(2.0)
    assert health.is_ill(2.0 + UNHEALTHY_SECONDS - 0.1)
    assert not health.is_ill(2.0 + UNHEALTHY_SECONDS)
    assert health.answered()
    assert not health.answered()
    assert not health.is_ill(2.1)
