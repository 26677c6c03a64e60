"""How old is too old."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.freshness import Freshness, Lifetimes

LIVES = Lifetimes(ttl=60, grace=120, max_stale=3600)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, Freshness.FRESH),
        (59.9, Freshness.FRESH),
        (60, Freshness.STALE),
        (179.9, Freshness.STALE),
        (180, Freshness.FALLBACK),
        (3599.9, Freshness.FALLBACK),
        (3600, Freshness.EXPIRED),
    ],
)
def test_age_decides(age: float, expected: Freshness) -> None:
    assert LIVES.classify(age, LIVES.ttl) is expected


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=2))
def test_a_value_never_gets_younger(ages: list[float]) -> None:
    order = list(Freshness)
    younger, older = sorted(ages)
    assert order.index(LIVES.classify(younger, 60)) <= order.index(LIVES.classify(older, 60))


@given(st.text())
def test_jitter_only_shortens_and_only_by_its_part(key: str) -> None:
    assert 60 * 0.8 <= LIVES.ttl_of(key) <= 60
    assert LIVES.ttl_of(key) == LIVES.ttl_of(key)


def test_jitter_spreads_folders_and_replicas() -> None:
    ttls = {round(LIVES.ttl_of(f"{replica} /folder/{n}/"), 1) for replica in ("a", "b") for n in range(200)}
    assert len(ttls) > 80, "of 120 possible tenths of a second"
