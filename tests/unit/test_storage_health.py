"""What is known of the storage: by one worker or by several, and without acting on every hiccup."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import StoreUnavailable
from app.storage.health import FAIL_SECONDS, LOOK_SECONDS, RECOVER_SECONDS, Health, StorageHealth, first_look
from tests.support.clocks import Clock
from tests.support.memory_store import Call, MemoryStore

DOWN = "it does not answer"


def after(*looks: tuple[float, str]) -> Health:
    """What is known after looks at these times."""
    (first, *rest) = looks
    health = first_look(*first)
    for look in rest:
        health = health.after(*look)
    return health


class TestHysteresis:
    @pytest.mark.parametrize("failure", ["", DOWN])
    def test_the_first_look_decides(self, failure: str) -> None:
        assert after((0.0, failure)).is_down is bool(failure)

    def test_failing_has_to_last(self) -> None:
        assert not after((0.0, ""), (1.0, DOWN), (1.0 + FAIL_SECONDS - 0.1, DOWN)).is_down
        assert after((0.0, ""), (1.0, DOWN), (1.0 + FAIL_SECONDS, DOWN)).is_down

    def test_so_has_answering(self) -> None:
        assert after((0.0, DOWN), (1.0, ""), (1.0 + RECOVER_SECONDS - 0.1, "")).is_down
        assert not after((0.0, DOWN), (1.0, ""), (1.0 + RECOVER_SECONDS, "")).is_down

    def test_one_answer_between_begins_anew(self) -> None:
        assert not after((0.0, ""), (1.0, DOWN), (4.0, ""), (5.0, DOWN), (9.0, DOWN)).is_down

    def test_well_means_that_it_answered_and_is_up(self) -> None:
        assert after((0.0, "")).is_well
        assert not after((0.0, ""), (1.0, DOWN)).is_well
        assert not after((0.0, DOWN), (1.0, "")).is_well

    @given(st.lists(st.tuples(st.booleans(), st.floats(0.1, FAIL_SECONDS - 1)), min_size=1, max_size=20))
    def test_phases_that_are_too_short_change_nothing(self, phases: list[tuple[bool, float]]) -> None:
        looks, now, was_up = [], 0.0, None
        for is_up, seconds in phases:
            if is_up is was_up:
                continue
            looks += [(now, "" if is_up else DOWN), (now + seconds, "" if is_up else DOWN)]
            now, was_up = now + seconds + 1.0, is_up
        assert after(*looks).is_down is after(looks[0]).is_down


class TestWorkers:
    def test_they_share_one_look_and_one_verdict(self, tmp_path: Path) -> None:
        clock, stores = Clock(), [MemoryStore() for _ in range(3)]

        async def looks() -> list[Health]:
            workers = [StorageHealth(store, tmp_path, clock=clock) for store in stores]
            return [await worker.look() for worker in workers]

        for _ in range(int(FAIL_SECONDS / LOOK_SECONDS) + 2):
            assert len({health.is_down for health in asyncio.run(looks())}) == 1
            assert sum(store.calls.count(Call("check", "")) for store in stores) == 1
            for store in stores:
                store.calls.clear()
                store.fail_on("check", StoreUnavailable("connection"))
            clock.now += LOOK_SECONDS
        assert all(health.is_down for health in asyncio.run(looks()))

    def test_while_one_looks_the_others_say_what_is_known(self, tmp_path: Path) -> None:
        clock = Clock()

        class Slow(MemoryStore):
            def __init__(self) -> None:
                super().__init__()
                self.may_answer = asyncio.Event()

            async def check(self) -> tuple[str, ...]:
                await self.may_answer.wait()
                return await super().check()

        async def look() -> None:
            slow, other = Slow(), MemoryStore()
            one, two = (StorageHealth(store, tmp_path, clock=clock) for store in (slow, other))
            slow.may_answer.set()
            known = await one.look()
            slow.may_answer.clear()
            clock.now += LOOK_SECONDS
            looking = asyncio.create_task(one.look())
            await asyncio.sleep(0)
            while not (tmp_path / "storage-lock").exists():
                await asyncio.sleep(0)
            assert await two.look() == known
            slow.may_answer.set()
            assert (await looking).looked == clock.now
            assert not other.calls

        asyncio.run(look())

    def test_where_nothing_can_be_shared_each_knows_what_it_saw(self, tmp_path: Path) -> None:
        store = MemoryStore()
        (tmp_path / "storage-health").mkdir()
        health = StorageHealth(store, tmp_path, clock=Clock())
        assert asyncio.run(health.look()).is_well
