"""Calls within limits, and what is left alone when it keeps failing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.domain.errors import NotFound, StoreDenied, StoreUnavailable
from app.storage.s3.call_limits import CallLimiter, CallLimits
from app.storage.s3.circuit_breaker import Breaker, Circuit
from tests.support.clocks import Clock
from tests.support.virtual_time import in_virtual_time


class Script:
    """A call that does what it is told, one step after the other; the last one for ever."""

    def __init__(self, *steps: Exception | str) -> None:
        self._steps = list(steps)
        self.calls = 0

    async def __call__(self) -> str:
        step = self._steps[min(self.calls, len(self._steps) - 1)]
        self.calls += 1
        if isinstance(step, Exception):
            raise step
        return step


def limiter(clock: Callable[[], float] | None = None, **limits: float) -> CallLimiter:
    return CallLimiter(CallLimits(**limits), clock=clock or Clock())  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["throttled", "connection"])
async def test_what_may_be_gone_in_a_moment_is_tried_again(reason: str) -> None:
    script = Script(StoreUnavailable(reason), StoreUnavailable(reason), "done")
    assert await limiter().run(script) == "done"
    assert script.calls == 3


@pytest.mark.parametrize("error", [NotFound(), StoreDenied(), StoreUnavailable("server-error")])
async def test_everything_else_is_told_at_once(error: Exception) -> None:
    script = Script(error, "done")
    with pytest.raises(type(error)):
        await limiter().run(script)
    assert script.calls == 1


async def test_attempts_end() -> None:
    script = Script(StoreUnavailable("throttled"))
    with pytest.raises(StoreUnavailable, match="throttled"):
        await limiter().run(script)
    assert script.calls == 3


@in_virtual_time
async def test_a_call_that_hangs_is_given_up() -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(StoreUnavailable, match="timeout"):
        await limiter(seconds=3).run(hang)
    assert asyncio.get_running_loop().time() == 3


async def test_no_more_calls_than_allowed_are_made_at_once() -> None:
    under_way, most = 0, 0

    async def count() -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return "done"

    limited = limiter(in_flight=3)
    await asyncio.gather(*(limited.run(count) for _ in range(50)))
    assert most == 3


async def test_a_dead_store_is_left_alone_and_then_tried_once() -> None:
    clock = Clock()
    limited = limiter(clock, breaker_failures=3, breaker_seconds=5)
    dead = Script(StoreUnavailable("server-error"))
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="server-error"):
            await limited.run(dead)
    for _ in range(10):
        with pytest.raises(StoreUnavailable, match="circuit-open"):
            await limited.run(dead)
    assert dead.calls == 3
    clock.now += 5
    with pytest.raises(StoreUnavailable, match="server-error"):
        await limited.run(dead)
    with pytest.raises(StoreUnavailable, match="circuit-open"):
        await limited.run(dead)
    clock.now += 5
    assert await limited.run(Script("back")) == "back"
    assert await limited.run(Script("again")) == "again"


async def test_refusals_and_throttling_do_not_open_the_circuit() -> None:
    limited = limiter(breaker_failures=1, attempts=1)
    for error in (NotFound(), StoreDenied(), StoreUnavailable("throttled")):
        with pytest.raises(type(error)):
            await limited.run(Script(error))
    assert await limited.run(Script("well")) == "well"


@in_virtual_time
async def test_a_dead_store_is_noticed_however_many_wait_for_their_turn() -> None:
    under_way, made = 0, 0

    async def hang() -> str:
        nonlocal under_way, made
        under_way, made = under_way + 1, made + 1
        try:
            await asyncio.Event().wait()
        finally:
            under_way -= 1
        return "never"

    async def reason(delay: float) -> str:
        await asyncio.sleep(delay)
        with pytest.raises(StoreUnavailable) as raised:
            await limited.run(hang)
        return raised.value.reason

    limited = limiter(seconds=0.2, in_flight=4, breaker_failures=4)
    reasons = await asyncio.gather(*(reason(0.002 * number) for number in range(40)))
    assert reasons[:4] == ["timeout"] * 4
    assert set(reasons[4:]) <= {"too-many-calls", "circuit-open", "timeout"}
    assert "circuit-open" in reasons, "who still waits when the circuit opens makes no call"
    assert made <= 8
    assert await reason(0) == "circuit-open"


@in_virtual_time
async def test_calls_whose_turn_came_late_do_not_speak_against_the_store() -> None:
    async def slow() -> str:
        await asyncio.sleep(0.7)
        return "done"

    limited = limiter(seconds=1, in_flight=3, breaker_failures=2)
    results = await asyncio.gather(*(limited.run(slow) for _ in range(12)), return_exceptions=True)
    assert results[:3] == ["done"] * 3
    assert {str(result) for result in results[3:]} == {str(StoreUnavailable("too-many-calls"))}
    assert await limited.run(slow) == "done"


def test_only_one_trial_at_a_time() -> None:
    breaker = Breaker(1, 5)
    breaker.failed(0)
    assert breaker.circuit(4.9) is Circuit.OPEN
    assert breaker.circuit(5) is Circuit.HALF_OPEN
    assert [breaker.may_call(5) for _ in range(3)] == [True, False, False]
    assert breaker.may_call(10), "a trial that never came back does not close the door for ever"
