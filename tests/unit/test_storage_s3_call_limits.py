"""Calls within limits, and what is left alone when it keeps failing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import aclosing

import pytest

from app.domain.errors import NotFound, ObjectChanged, StoreDenied, StoreUnavailable
from app.storage.s3.call_limits import CallLimiter, CallLimits
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


class Limited:
    """A limiter over a probe that does what it is told.

    Attributes:
        circuit: what the limiter has said of the circuit.
        calls: numbers the calls; each is about another key.
    """

    def __init__(self, limits: CallLimits, probe: Script) -> None:
        self.circuit: list[bool] = []
        self.calls = itertools.count()
        self.limiter = CallLimiter(limits, probe=probe, note_circuit=self.circuit.append)

    async def run(self, call: Callable[[], Awaitable[str]], about: Hashable = None) -> str:
        return await self.limiter.run(call, about=next(self.calls) if about is None else about)

    async def fails(self, error: Exception, times: int, about: Hashable = None) -> None:
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.run(Script(error), about)


Make = Callable[..., Limited]


@pytest.fixture
async def limiter() -> AsyncIterator[Make]:
    made: list[Limited] = []

    def make(probe: Script | None = None, **limits: float) -> Limited:
        made.append(Limited(CallLimits(**limits), probe or Script("well")))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.limiter.aclose()


@pytest.mark.parametrize("reason", ["throttled", "connection"])
async def test_what_may_be_gone_in_a_moment_is_tried_again(limiter: Make, reason: str) -> None:
    script = Script(StoreUnavailable(reason), StoreUnavailable(reason), "done")
    assert await limiter().run(script) == "done"
    assert script.calls == 3


@pytest.mark.parametrize("error", [NotFound(), StoreDenied(), StoreUnavailable("server-error")])
async def test_everything_else_is_told_at_once(limiter: Make, error: Exception) -> None:
    script = Script(error, "done")
    with pytest.raises(type(error)):
        await limiter().run(script)
    assert script.calls == 1


@in_virtual_time
async def test_those_who_try_again_do_not_do_so_in_step() -> None:
    waits: list[float] = []

    async def be_throttled() -> None:
        made: list[float] = []

        async def call() -> str:
            made.append(asyncio.get_running_loop().time())
            raise StoreUnavailable("throttled")

        with pytest.raises(StoreUnavailable):
            await limited.run(call, about=object())
        waits.append(made[1] - made[0])

    async with aclosing(CallLimiter(CallLimits(breaker_failures=100), probe=Script("well"))) as limited:
        await asyncio.gather(*(be_throttled() for _ in range(20)))
    assert len(waits) == 20
    assert min(waits) > 0.02
    assert max(waits) - min(waits) > 0.05


async def test_attempts_end(limiter: Make) -> None:
    script = Script(StoreUnavailable("throttled"))
    with pytest.raises(StoreUnavailable, match="throttled"):
        await limiter().run(script)
    assert script.calls == 3


async def test_a_call_that_hangs_is_given_up(limiter: Make) -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(StoreUnavailable, match="timeout"):
        await limiter(seconds=0.05).run(hang)


async def test_no_more_calls_than_allowed_are_made_at_once(limiter: Make) -> None:
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


@pytest.mark.parametrize("reason", ["server-error", "throttled", "connection", "timeout", "broken-stream"])
async def test_a_dead_store_is_left_alone_until_a_probe_is_answered(limiter: Make, reason: str) -> None:
    dead = StoreUnavailable(reason)
    probe = Script(dead, dead, dead, "back")
    limited = limiter(probe, attempts=1, breaker_failures=3, breaker_seconds=0.02)
    await limited.fails(dead, 3)
    async with asyncio.timeout(10):
        while not limited.circuit:
            await asyncio.sleep(0)
        untouched = Script("not called")
        with pytest.raises(StoreUnavailable, match="circuit-open"):
            await limited.run(untouched)
        while limited.circuit != [True, False]:
            await asyncio.sleep(0.005)
    assert (untouched.calls, probe.calls) == (0, 4)
    assert await limited.run(Script("again")) == "again"
    await limited.fails(dead, 2)
    assert probe.calls == 4, "it begins to count anew"


async def test_a_probe_that_is_broken_itself_leaves_the_circuit_closed(limiter: Make) -> None:
    dead = StoreUnavailable("connection")
    probe = Script(dead, TypeError("a slip in the program"))
    limited = limiter(probe, attempts=1, breaker_failures=3, breaker_seconds=0.02)
    await limited.fails(dead, 3)
    async with asyncio.timeout(10):
        while limited.circuit != [True, False]:
            await asyncio.sleep(0.005)
    assert await limited.run(Script("again")) == "again"


async def test_one_key_that_always_fails_shuts_nothing(limiter: Make) -> None:
    probe = Script(StoreUnavailable("server-error"))
    limited = limiter(probe, attempts=1, breaker_failures=3)
    for reason in ("server-error", "throttled"):
        await limited.fails(StoreUnavailable(reason), 20, about="broken.img")
    await settle()
    assert probe.calls == 0
    assert await limited.run(Script("others")) == "others"


@pytest.mark.parametrize("probed", ["well", NotFound(), StoreDenied(), StoreUnavailable("no-such-bucket")])
async def test_many_keys_that_fail_shut_nothing_while_the_probe_is_answered(
    limiter: Make, probed: Exception | str
) -> None:
    probe = Script(probed)
    limited = limiter(probe, attempts=1, breaker_failures=3)
    for reason in ("server-error", "connection", "timeout"):
        await limited.fails(StoreUnavailable(reason), 3)
        await settle()
    assert (probe.calls, limited.circuit) == (3, [])
    assert await limited.run(Script("others")) == "others"


async def test_a_call_that_is_answered_outweighs_the_probe(limiter: Make) -> None:
    answered = asyncio.Event()

    class Slow(Script):
        async def __call__(self) -> str:
            await answered.wait()
            return await super().__call__()

    probe = Slow(StoreUnavailable("server-error"))
    limited = limiter(probe, attempts=1, breaker_failures=2)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def under_way() -> str:
        begun.set()
        await go_on.wait()
        return "others"

    call = asyncio.create_task(limited.run(under_way))
    await begun.wait()
    await limited.fails(StoreUnavailable("server-error"), 2)
    go_on.set()
    assert await call == "others"
    answered.set()
    await settle()
    assert (probe.calls, limited.circuit) == (1, [])


async def test_a_probe_that_hangs_is_an_answer_too(limiter: Make) -> None:
    class Hanging(Script):
        async def __call__(self) -> str:
            await asyncio.Event().wait()
            return "never"

    limited = limiter(Hanging("never"), seconds=0.05, breaker_failures=1, breaker_seconds=60)
    await limited.fails(StoreUnavailable("server-error"), 1)
    async with asyncio.timeout(10):
        while limited.circuit != [True]:
            await asyncio.sleep(0.005)


ANSWERS = (
    NotFound(),
    StoreDenied(),
    ObjectChanged(),
    ValueError("too large"),
    *map(StoreUnavailable, ("unexpected", "no-such-bucket", "too-many-calls")),
)


@pytest.mark.parametrize("error", ANSWERS)
async def test_what_a_store_that_is_well_may_say_is_not_counted(limiter: Make, error: Exception) -> None:
    probe = Script(StoreUnavailable("server-error"))
    limited = limiter(probe, breaker_failures=1, attempts=1)
    await limited.fails(error, 5)
    await settle()
    assert probe.calls == 0
    assert await limited.run(Script("well")) == "well"


async def settle() -> None:
    """Let everything that waits for nothing come to its end."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_dead_store_is_noticed_however_many_wait_for_their_turn(limiter: Make) -> None:
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

    limited = limiter(Script(StoreUnavailable("timeout")), seconds=0.2, in_flight=4, breaker_failures=4)
    reasons = await asyncio.gather(*(reason(0.002 * number) for number in range(40)))
    assert reasons[:4] == ["timeout"] * 4
    assert set(reasons[4:]) <= {"too-many-calls", "circuit-open", "timeout"}
    assert "circuit-open" in reasons, "who still waits when the circuit opens makes no call"
    assert made <= 8
    assert await reason(0) == "circuit-open"


async def test_calls_wait_for_their_turn_however_long_the_queue_is(limiter: Make) -> None:
    async def slow() -> str:
        await asyncio.sleep(0.05)
        return "done"

    limited = limiter(Script(StoreUnavailable("timeout")), seconds=1, in_flight=1)
    assert await asyncio.gather(*(limited.run(slow) for _ in range(30))) == ["done"] * 30
    assert limited.circuit == []


@in_virtual_time
async def test_a_cold_start_asks_for_1500_folders_at_once_and_all_are_read() -> None:
    async def read() -> str:
        await asyncio.sleep(0.1)
        return "read"

    limits = CallLimits()
    async with aclosing(CallLimiter(limits, probe=Script("well"))) as limiter:
        began = asyncio.get_running_loop().time()
        # Each folder takes two calls: its listing, and its control files.
        calls = (limiter.run(read, about=number) for number in range(2 * 1_500))
        assert set(await asyncio.gather(*calls)) == {"read"}
    assert asyncio.get_running_loop().time() - began > limits.seconds


async def test_whose_turn_does_not_come_says_nothing_against_the_store(limiter: Make) -> None:
    may_end = asyncio.Event()

    async def slow() -> str:
        await may_end.wait()
        return "done"

    limited = limiter(
        Script(StoreUnavailable("timeout")), in_flight=3, waiting_seconds=0.1, breaker_failures=2, seconds=60
    )
    first = [asyncio.create_task(limited.run(slow)) for _ in range(3)]
    await settle()
    results = await asyncio.gather(*(limited.run(slow) for _ in range(9)), return_exceptions=True)
    assert {str(result) for result in results} == {str(StoreUnavailable("too-many-calls"))}
    may_end.set()
    assert await asyncio.gather(*first) == ["done"] * 3
    assert await limited.run(slow) == "done"
