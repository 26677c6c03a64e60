"""Where one copy of a tree is ill, another answers; never two at once for what belongs together."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.entries import Listing
from app.domain.errors import (
    Moved,
    NotFound,
    ObjectChanged,
    RulesUnreadable,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from app.domain.paths import ArtifactPath
from app.storage.composite.hedging import LEAST_CALLS, UNHEALTHY_SECONDS
from app.storage.store import ObjectStore
from tests.support.copies import Copies
from tests.support.virtual_time import in_virtual_time

FOLDER = ArtifactPath.from_text("d/")
FILE = FOLDER.child("f")
CONTENT = bytes(range(256)) * 1024
ILLNESSES = [StoreUnavailable("timeout"), StoreUnavailable("circuit-open"), StoreDenied()]


@pytest.fixture
def copies() -> Copies:
    copies = Copies()
    copies.put("d/f", CONTENT)
    return copies


async def body_of(copies: Copies, first: int = 0, length: int | None = None) -> bytes:
    info = await copies.store.head(FILE)
    count = info.size - first if length is None else length
    async with copies.store.open_range(FILE, info, first, count) as chunks:
        return b"".join([chunk async for chunk in chunks])


class TestFailover:
    async def test_the_first_is_asked_alone_while_it_is_well(self, copies: Copies) -> None:
        assert (await copies.store.list_folder(FOLDER)).origin == "primary"
        assert (await copies.store.head(FILE)).origin == "primary"
        assert await body_of(copies) == CONTENT
        assert copies.replica.calls == []
        assert not copies.watch.events

    @pytest.mark.parametrize("illness", ILLNESSES)
    async def test_the_next_one_answers_in_place_of_one_that_is_ill(
        self, copies: Copies, illness: StoreError
    ) -> None:
        copies.fail(illness)
        assert (await copies.store.list_folder(FOLDER)).origin == "replica-1"
        assert (await copies.store.head(FILE)).origin == "replica-1"
        assert await copies.store.read_small(FILE) == CONTENT
        assert copies.watch.events == {("failover", "replica-1"): 3}

    async def test_every_copy_is_tried_in_order(self) -> None:
        copies = Copies(4)
        copies.put("d/f", CONTENT)
        for ill in copies.all[:3]:
            copies.fail(StoreUnavailable("timeout"), of=ill)
        assert (await copies.store.head(FILE)).origin == "replica-3"
        assert [len(copy.calls) for copy in copies.all] == [1, 1, 1, 1]

    async def test_where_none_answers_the_first_one_is_heard(self, copies: Copies) -> None:
        copies.fail(StoreUnavailable("circuit-open"))
        copies.fail(StoreDenied(), of=copies.replica)
        with pytest.raises(StoreUnavailable, match="circuit-open"):
            await copies.store.head(FILE)

    @pytest.mark.parametrize(
        "answer", [NotFound(), Moved(FOLDER), ObjectChanged(), RulesUnreadable(), ValueError("too big")]
    )
    async def test_what_a_store_that_is_well_says_is_final(self, copies: Copies, answer: Exception) -> None:
        copies.fail(answer)
        with pytest.raises(type(answer)):
            await copies.store.head(FILE)
        assert copies.replica.calls == []

    async def test_not_found_is_final_too_where_only_a_replica_can_say_it(self, copies: Copies) -> None:
        copies.fail(StoreUnavailable("timeout"))
        copies.replica.remove("d/f")
        with pytest.raises(NotFound):
            await copies.store.head(FILE)

    async def test_the_first_is_asked_again_as_soon_as_it_answers(self, copies: Copies) -> None:
        copies.fail(StoreUnavailable("timeout"))
        await copies.store.head(FILE)
        copies.fail(None)
        assert (await copies.store.head(FILE)).origin == "primary"

    async def test_a_url_is_of_the_store_that_has_the_file(self, copies: Copies) -> None:
        copies.replica.presign_base = "https://other.example"
        for origin, host in (("primary", "s3.example"), ("replica-1", "other.example")):
            signed = await copies.store.presign(
                FILE,
                fields={"Content-Type": "a/b", "Content-Disposition": "inline"},
                expires=9,
                origin=origin,
            )
            assert signed is not None
            assert signed.url.startswith(f"https://{host}/")


class TestOneStore:
    async def test_a_unit_that_breaks_off_begins_anew_at_the_next_store(self, copies: Copies) -> None:
        copies.put("d/BUILD-INFO.txt", b"rules")
        copies.primary.fail_on("get", StoreUnavailable("timeout"))

        async def read(store: ObjectStore) -> tuple[Listing, bytes]:
            return await store.list_folder(FOLDER), await store.read_small(FOLDER.child("BUILD-INFO.txt"))

        listing, rules = await copies.store.from_one(read)
        assert (listing.origin, rules) == ("replica-1", b"rules")
        assert [call.operation for call in copies.primary.calls] == ["list", "get"]
        assert [call.operation for call in copies.replica.calls] == ["list", "get"]

    async def test_rules_that_the_first_store_has_but_does_not_give_are_not_taken_from_another(
        self, copies: Copies
    ) -> None:
        async def read(store: ObjectStore) -> None:
            await store.list_folder(FOLDER)
            raise RulesUnreadable

        with pytest.raises(RulesUnreadable):
            await copies.store.from_one(read)
        assert copies.replica.calls == []


class TestHedging:
    async def test_a_late_call_is_asked_of_the_next_store_as_well_and_the_loser_is_cancelled(
        self, copies: Copies
    ) -> None:
        await copies.learn(FILE)
        copies.primary.is_hanging = True
        assert (await copies.store.head(FILE)).origin == "replica-1"
        assert copies.primary.cancelled == 1
        assert copies.watch.events == {("hedge", "replica-1"): 1, ("hedge-won", "replica-1"): 1}

    async def test_a_whole_unit_is_hedged_so_that_it_is_of_one_store(self, copies: Copies) -> None:
        await copies.learn(FILE)
        copies.primary.is_hanging = True
        listing = await copies.store.from_one(lambda store: store.list_folder(FOLDER))
        assert listing.origin == "replica-1"

    @in_virtual_time
    async def test_no_more_than_the_share_is_asked_twice(self, copies: Copies) -> None:
        await copies.learn(FILE)
        copies.primary.is_hanging = True
        await copies.store.head(FILE)
        waiting = [asyncio.create_task(copies.store.head(FILE)) for _ in range(18)]  # 39 calls in all
        one, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=3600)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not one
        assert copies.watch.events["hedge", "replica-1"] == 1

    @in_virtual_time
    async def test_not_found_from_a_hedge_waits_for_the_first_store(self, copies: Copies) -> None:
        await copies.learn(FILE)
        copies.replica.remove("d/f")
        copies.primary.is_hanging = True
        asking = asyncio.create_task(copies.store.head(FILE))
        await asyncio.sleep(3600)
        assert copies.replica.calls
        assert not asking.done()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert copies.primary.cancelled == 1

    @in_virtual_time
    async def test_an_ill_store_is_not_asked_for_help(self, copies: Copies) -> None:
        await copies.learn(FILE)
        copies.fail(StoreUnavailable("timeout"))
        copies.fail(StoreUnavailable("timeout"), of=copies.replica)
        with pytest.raises(StoreUnavailable):
            await copies.store.head(FILE)
        copies.fail(None)
        copies.fail(None, of=copies.replica)
        copies.primary.is_hanging = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await copies.store.head(FILE)
        assert copies.watch.events["hedge", "replica-1"] == 0
        copies.clock.now += UNHEALTHY_SECONDS
        assert (await copies.store.head(FILE)).origin == "replica-1"

    @in_virtual_time
    async def test_nothing_is_hedged_before_it_is_known_how_long_it_takes(self, copies: Copies) -> None:
        for _ in range(LEAST_CALLS - 1):
            await copies.store.head(FILE)
        copies.primary.is_hanging = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await copies.store.head(FILE)
        assert copies.replica.calls == []


class TestDownload:
    @pytest.mark.parametrize("reached", [0, 1, 100_000, len(CONTENT) - 1])
    @pytest.mark.parametrize("first", [0, 77])
    async def test_a_body_that_breaks_off_goes_on_at_the_byte_reached(
        self, copies: Copies, first: int, reached: int
    ) -> None:
        copies.primary.breaks_at = reached
        assert await body_of(copies, first, 200_000) == CONTENT[first : first + 200_000]
        assert copies.watch.events["failover", "replica-1"] == (1 if reached < first + 200_000 else 0)

    async def test_it_goes_on_at_a_third_where_the_second_breaks_too(self) -> None:
        copies = Copies(3)
        copies.put("d/f", CONTENT)
        copies.primary.breaks_at, copies.replica.breaks_at = 1000, 90_000
        assert await body_of(copies) == CONTENT

    @pytest.mark.parametrize("other", [CONTENT[:-1] + b"x", CONTENT + b"x", None])
    async def test_it_does_not_go_on_with_another_object(self, copies: Copies, other: bytes | None) -> None:
        copies.primary.breaks_at = 1000
        copies.replica.remove("d/f")
        if other is not None:
            copies.replica.put("d/f", other)
        with pytest.raises(StoreUnavailable, match="broken-stream"):
            await body_of(copies)
        assert not copies.watch.events

    async def test_the_open_call_fails_over_too(self, copies: Copies) -> None:
        copies.primary.fail_on("get", StoreDenied())
        assert await body_of(copies) == CONTENT

    async def test_a_file_that_was_replaced_is_not_looked_for_elsewhere(self, copies: Copies) -> None:
        info = await copies.store.head(FILE)
        copies.primary.put("d/f", b"new")
        with pytest.raises(ObjectChanged):
            async with copies.store.open_range(FILE, info, 0, info.size):
                pass
        assert copies.replica.calls == []

    async def test_it_begins_at_the_store_that_gave_the_head(self, copies: Copies) -> None:
        copies.primary.fail_on("head", StoreUnavailable("timeout"))
        assert await body_of(copies) == CONTENT
        assert [call.operation for call in copies.primary.calls] == ["head"]

    async def test_leaving_early_is_no_failure(self, copies: Copies) -> None:
        info = await copies.store.head(FILE)
        async with copies.store.open_range(FILE, info, 0, info.size) as chunks:
            async for _ in chunks:
                break
        assert copies.replica.calls == []


class TestCheck:
    async def test_one_store_that_answers_suffices_and_the_others_are_named(self, copies: Copies) -> None:
        assert await copies.store.check() == ()
        copies.fail(StoreUnavailable("timeout"))
        assert await copies.store.check() == ("primary",)
        copies.fail(None)
        copies.fail(StoreDenied(), of=copies.replica)
        assert await copies.store.check() == ("replica-1",)

    @in_virtual_time
    async def test_one_that_does_not_answer_is_not_waited_for_and_not_well(self, copies: Copies) -> None:
        copies.primary.is_hanging = True
        assert await copies.store.check() == ("primary",)
        copies.replica.is_hanging = True
        with pytest.raises(StoreUnavailable, match="timeout"):
            await copies.store.check()

    async def test_none_does_not(self, copies: Copies) -> None:
        copies.fail(StoreUnavailable("timeout"))
        copies.fail(StoreDenied(), of=copies.replica)
        with pytest.raises(StoreUnavailable, match="timeout"):
            await copies.store.check()
