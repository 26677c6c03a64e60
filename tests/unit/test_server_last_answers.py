"""Answers of the last moment: given again only while everything they were made from is as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.cache.byte_cache import ByteCache
from app.server.last_answers import MOST, LastAnswers
from tests.support.clocks import Clock


class Request:
    """Equal to every other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request)

    def __hash__(self) -> int:
        return 1


def last_answers(held: ByteCache | None = None, clock: Clock | None = None) -> LastAnswers[Request, str]:
    return LastAnswers(ByteCache(10_000) if held is None else held, clock or Clock())


def test_an_answer_is_for_the_very_request() -> None:
    last, request = last_answers(), Request()
    last.keep(request, "answer", 1.0)
    assert last.get(request) == "answer"
    assert last.get(Request()) is None


def test_an_answer_is_given_until_its_time_is_over() -> None:
    clock = Clock()
    last, request = last_answers(clock=clock), Request()
    last.keep(request, "answer", 1.0)
    clock.now += 0.75
    assert last.get(request) == "answer"
    clock.now += 0.25
    assert last.get(request) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.put("other", "value", 10),
        lambda held: held.put("too large", "value", 100_000),
        lambda held: held.drop("it"),
        lambda held: held.clear(),
    ],
    ids=["put", "put something too large", "drop", "clear"],
)
def test_no_answer_outlives_a_change_of_the_cache(change: Callable[[ByteCache], object]) -> None:
    held = ByteCache(10_000)
    held.put("it", "value", 10)
    last, request = last_answers(held), Request()
    last.keep(request, "answer", 1.0)
    assert held.get("it") == "value"
    assert last.get(request) == "answer", "to look is no change"
    change(held)
    assert last.get(request) is None
    assert last.get(request) is None
    last.keep(request, "another", 1.0)
    assert last.get(request) == "another"


def test_what_is_kept_after_a_change_that_was_not_noticed_is_not_given() -> None:
    """Nothing says whether it was made before the change or after it."""
    held = ByteCache(10_000)
    last, request = last_answers(held), Request()
    held.put("it", "value", 10)
    last.keep(request, "answer", 1.0)
    assert last.get(request) is None


def test_not_more_requests_are_kept_than_there_may_be() -> None:
    last, requests = last_answers(), [Request() for _ in range(2 * MOST + 1)]
    for request in requests:
        last.keep(request, "answer", 1.0)
    assert sum(last.get(request) is not None for request in requests) <= MOST
    assert last.get(requests[-1]) == "answer"
