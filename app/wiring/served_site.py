"""One site from its opening to its last answer. When the settings change, another one takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from functools import partial
from typing import Final, Self

from starlette.types import ASGIApp, Receive, Scope, Send

from app.cache.byte_cache import ByteCache
from app.cache.worker_channel import WorkerChannel
from app.catalog.prewarming import Prewarming
from app.catalog.shared_listings import lend
from app.config import key_name
from app.plan import SitePlan
from app.responses.folder_documents import FolderDocuments
from app.responses.listed_digests import FolderDigests
from app.server.late import loaded_soon
from app.storage.observation import OfSite
from app.storage.open_store import open_storage
from app.telemetry import AccessLog, Metrics
from app.wiring.catalog import build_exchange
from app.wiring.parts import Shared
from app.wiring.revocations import kept_fresh
from app.wiring.site import SiteWiring

_READ_FROM_FILES: Final = (FolderDocuments, FolderDigests)
"""What is made of files in a folder, beside the folder itself, and by nothing but its rules."""


class ServedSite:
    """A site over stores of its own. Make it with `open`.

    Attributes:
        fast_path: answers from memory.
    """

    def __init__(self, plan: SitePlan, wiring: SiteWiring, held: ByteCache) -> None:
        self._plan = plan
        self._wiring = wiring
        self._held = held
        self._resources = AsyncExitStack()
        self._announced = AsyncExitStack()
        self._answering = 0
        self._is_retired = False
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, plan: SitePlan, other_hosts: Collection[str], shared: Shared, metrics: Metrics
    ) -> Self:
        """Open the stores, and wire everything that answers.

        Args:
            other_hosts: host names of other sites.
            shared: with those.

        Raises:
            Whatever keeps one of them from opening; nothing stays open then.
        """
        wiring = SiteWiring(plan.settings, plan.policy, name=plan.name, other_hosts=other_hosts)
        site = cls(plan, wiring, ByteCache(plan.settings.cache_bytes))
        async with AsyncExitStack() as opening:
            await site._open(opening, shared, metrics)
            site._resources = opening.pop_all()
        return site

    async def _open(self, opening: AsyncExitStack, shared: Shared, metrics: Metrics) -> None:
        settings = self._plan.settings
        watched = metrics if shared.tracing is None else shared.tracing.watch(metrics)
        watch = OfSite(watched, self._plan.name)
        store = await opening.enter_async_context(
            open_storage(settings.storage, settings.overlay, watch=watch)
        )
        self._exchange = build_exchange(settings, self._plan.identity, self._plan.name)
        wired = self._wiring.open(store, metrics, held=self._held, shared=shared, exchange=self._exchange)
        if wired.access_log is not None:
            opening.callback(wired.access_log.close)
        opening.push_async_callback(wired.login.aclose)
        opening.push_async_callback(wired.catalog.aclose)
        await opening.enter_async_context(wired.workloads.kept_fresh() if wired.workloads else nullcontext())
        await opening.enter_async_context(loaded_soon((wired.late,)))
        await opening.enter_async_context(kept_fresh(self._wiring.revocations, settings, watch))
        self._wired = wired
        self.fast_path = wired.front_door.fast_path

    @property
    def key_name(self) -> str:
        """What its keys are called after: the same for the main site, whether there are others or not."""
        return key_name(self._plan.name)

    async def listen(self) -> None:
        """From now on, hear from the other workers of the replica what has changed, and read folders for them."""
        self._announced.enter_context(_open_channel(self._wired.channel))
        if self._exchange is not None:
            lent = partial(lend, self._wired.catalog.folders)
            await self._announced.enter_async_context(self._exchange.answering(lent))

    def take_over(self, former: Self) -> None:
        """Go on with the folders that a former site has read, if they depend on nothing that has changed.

        Its pages stay behind: each setting may show in them. This site listens already, so that it misses no change.
        """
        if not self._plan.reads_folders_like(former._plan):
            return
        self._wired.catalog.folders.take_over(former._wired.catalog.folders)
        for kind in _READ_FROM_FILES:
            for key, value, cost in former._held.of_kind(kind):
                self._held.put(key, value, cost)

    async def prewarm(self) -> None:
        """Read the folders that the settings name."""
        await Prewarming(self._plan.settings.prewarm).run(self._wired.catalog)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._answer(self._wired.front_door, scope, receive, send)

    def for_other_hosts(self, access_log: AccessLog | None) -> ASGIApp:
        """As `FrontDoor.for_other_hosts`."""
        return partial(self._answer, self._wired.front_door.for_other_hosts(access_log))

    async def _answer(self, door: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._answering += 1
        try:
            await door(scope, receive, send)
        finally:
            self._answering -= 1
            if self._is_retired:
                self._close_if_idle()

    async def retire(self) -> None:
        """Make room for the next one: leave the other workers, and forget what was in memory. Closes after the last answer."""
        self._is_retired = True
        await self._announced.aclose()
        self._held.clear()
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if not self._answering and self._closing is None:
            self._closing = asyncio.create_task(self._resources.aclose())

    @property
    def is_closed(self) -> bool:
        """Whether a retired site has answered everything and let go of its stores."""
        return self._closing is not None and self._closing.done()

    async def close(self) -> None:
        """Close everything."""
        await self._announced.aclose()
        await (self._closing or self._resources.aclose())


@contextmanager
def _open_channel(channel: WorkerChannel | None) -> Iterator[None]:
    """Listen to the other workers, if there are any."""
    if channel is None:
        yield
        return
    channel.open()
    try:
        yield
    finally:
        channel.close()
