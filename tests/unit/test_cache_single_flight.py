"""One call for all who want the same thing at the same time."""

from __future__ import annotations

import asyncio
import gc

import pytest

from app.cache.single_flight import SingleFlight


class Counter:
    """A call that waits until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self._error = error

    async def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        await self.go.wait()
        if self._error is not None:
            raise self._error
        return number


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_thousand_who_ask_at_once_share_one_call() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    call = Counter()
    waiters = [asyncio.create_task(flights.join("k", call)) for _ in range(1000)]
    await settle()
    call.go.set()
    assert set(await asyncio.gather(*waiters)) == {1}
    assert call.calls == 1


async def test_keys_do_not_wait_for_each_other() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    slow, quick = Counter(), Counter()
    waiting = asyncio.create_task(flights.join("slow", slow))
    quick.go.set()
    assert await flights.join("quick", quick) == 1
    slow.go.set()
    assert await waiting == 1


@pytest.mark.parametrize("victims", [(0,), (2,), (0, 1, 2)])
async def test_cancelled_waiters_take_nobody_along(victims: tuple[int, ...]) -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    call = Counter()
    waiters = [asyncio.create_task(flights.join("k", call)) for _ in range(3)]
    await settle()
    for victim in victims:
        waiters[victim].cancel()
    await settle()
    late = asyncio.create_task(flights.join("k", call))
    await settle()
    call.go.set()
    results = await asyncio.gather(*waiters, late, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results[:3]] == [
        n in victims for n in range(3)
    ]
    assert results[3] == 1
    assert call.calls == 1


async def test_everybody_gets_the_exception_and_the_next_gets_a_new_call() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    failing = Counter(ValueError("broken"))
    waiters = [asyncio.create_task(flights.join("k", failing)) for _ in range(3)]
    await settle()
    failing.go.set()
    assert all(isinstance(e, ValueError) for e in await asyncio.gather(*waiters, return_exceptions=True))
    working = Counter()
    working.go.set()
    assert await flights.join("k", working) == 1


async def test_an_exception_that_nobody_waits_for_is_not_reported_as_lost() -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    flights: SingleFlight[str, int] = SingleFlight()
    call = Counter(ValueError("broken"))
    waiter = asyncio.create_task(flights.join("k", call))
    await settle()
    waiter.cancel()
    call.go.set()
    await settle()
    del waiter
    gc.collect()
    await settle()
    assert reported == []


async def test_an_abandoned_call_serves_its_waiters_but_nobody_new() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    call = Counter()
    early = asyncio.create_task(flights.join("k", call))
    await settle()
    flights.abandon("k")
    late = asyncio.create_task(flights.join("k", call))
    await settle()
    call.go.set()
    assert (await early, await late) == (1, 2)


async def test_an_abandoned_call_that_ends_leaves_its_successor_in_place() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    old, new = Counter(), Counter()
    early = asyncio.create_task(flights.join("k", old))
    await settle()
    flights.abandon("k")
    late = [asyncio.create_task(flights.join("k", new))]
    await settle()
    old.go.set()
    await early
    await settle()
    late.append(asyncio.create_task(flights.join("k", new)))
    await settle()
    new.go.set()
    assert await asyncio.gather(*late) == [1, 1]


async def test_closing_ends_every_call() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    waiter = asyncio.create_task(flights.join("k", Counter()))
    await settle()
    await flights.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_closing_ends_abandoned_calls_too() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    call = Counter()
    waiter = asyncio.create_task(flights.join("k", call))
    await settle()
    flights.abandon("k")
    await flights.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_a_call_that_has_just_ended_is_joined_once() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    ends = asyncio.Event()

    async def first() -> int:
        ends.set()  # who waits for this runs when the call has ended, and before it is cleared away
        return 1

    async def second() -> int:
        return 2

    async def ask_again() -> list[int]:
        await ends.wait()
        return [await flights.join("k", second) for _ in range(3)]

    asking = asyncio.create_task(ask_again())
    await settle()
    assert await flights.join("k", first) == 1
    assert await asking == [1, 2, 2]
