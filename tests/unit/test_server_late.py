"""Applications that are built after the start: once, by a thread, and again only if that failed."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from app.server import late
from app.server.late import LateApplication, loaded_soon
from tests.support.in_process import Ask, Asker, send

SECONDS = 60
ANSWER = Response("built", headers={"Date": "x"})


class Builder:
    """Builds an application when the test lets it, and fails as often as it says."""

    def __init__(self, *, failures: int = 0, waits: bool = False) -> None:
        self.threads: list[threading.Thread] = []
        self.may_go_on = threading.Event()
        if not waits:
            self.may_go_on.set()
        self._failures = failures

    def __call__(self) -> ASGIApp:
        self.threads.append(threading.current_thread())
        assert self.may_go_on.wait(SECONDS)
        if len(self.threads) <= self._failures:
            raise OSError("no descriptor is left")
        return ANSWER


async def ask(application: LateApplication) -> int:
    return (await send(application, Ask("/"), Asker(""))).status


async def test_many_first_requests_have_it_built_once_and_beside_the_event_loop() -> None:
    builder = Builder(waits=True)
    application = LateApplication(builder)
    asking = [asyncio.create_task(ask(application)) for _ in range(5)]
    while not builder.threads:
        await asyncio.sleep(0.01)  # the loop turns while it is built
    builder.may_go_on.set()
    assert await asyncio.gather(*asking) == [200] * 5
    assert await ask(application) == 200
    (thread,) = builder.threads
    assert thread is not threading.current_thread()


async def test_it_is_built_once_although_the_first_who_asked_has_gone() -> None:
    builder = Builder(waits=True)
    application = LateApplication(builder)
    gone, waiting = asyncio.create_task(ask(application)), asyncio.create_task(ask(application))
    while not builder.threads:
        await asyncio.sleep(0.01)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    later = asyncio.create_task(ask(application))
    await asyncio.sleep(0)
    builder.may_go_on.set()
    assert (await waiting, await later) == (200, 200)
    assert len(builder.threads) == 1


async def test_what_could_not_be_built_is_built_for_the_next_request() -> None:
    builder = Builder(failures=1)
    application = LateApplication(builder)
    with pytest.raises(OSError, match="no descriptor"):
        await ask(application)
    assert await ask(application) == 200
    assert len(builder.threads) == 2


async def test_it_is_built_soon_after_the_start_although_nobody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(late, "READY_SECONDS", 0)
    builders = [Builder(), Builder()]
    async with asyncio.timeout(SECONDS), loaded_soon([LateApplication(builder) for builder in builders]):
        while not all(builder.threads for builder in builders):
            await asyncio.sleep(0.01)


async def test_a_failure_after_the_start_is_logged_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(late, "READY_SECONDS", 0)
    application = LateApplication(Builder(failures=1))
    with capture_logs() as logged:
        async with asyncio.timeout(SECONDS), loaded_soon([application]):
            while not logged:
                await asyncio.sleep(0.01)
            assert await ask(application) == 200
    assert [line["event"] for line in logged] == ["late_application_failed"]


async def test_a_server_that_stops_at_once_does_not_wait_to_load_more() -> None:
    builder = Builder()
    async with loaded_soon([LateApplication(builder)]):
        pass
    assert not builder.threads
