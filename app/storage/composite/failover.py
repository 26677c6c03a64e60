"""Several stores of one tree, such as a bucket and its copies in other regions: when one fails, another answers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from app.domain.entries import FileInfo, Found, Listing
from app.domain.errors import StoreError, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.composite.hedging import CallTimes, Health, HedgeBudget
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.composite.race import Race
from app.storage.composite.resume import ILLNESS, open_span
from app.storage.folder_walk import by_names, walk_by_folders
from app.storage.observation import StorageWatch
from app.storage.store import FolderWatch, ListNames, ObjectStore, Result, SignedUrl

CHECK_SECONDS: Final = 2.5
"""Seconds that the check of one store may take."""

_log = structlog.get_logger(__name__)


class FailoverStore:
    """An `ObjectStore` over copies of one tree.

    The first store is asked. The next is asked instead if it fails, and as well if it takes longer
    than usual. An answer of a healthy first store is final, even "not found": the others
    may lag behind.

    Each call is answered by one store, never by parts of two. Ask that store (`from_one`) for everything that
    belongs to the answer.

    Args:
        stores: at least two, the preferred first. Each has its own limits, and one whose circuit is open
            fails at once.
        watch: notified each time that one store answers for another.
        clock: seconds; never goes back.
    """

    is_one = False
    has_first_pages = False

    def __init__(
        self, stores: Sequence[OriginTagging], *, watch: StorageWatch, clock: Callable[[], float]
    ) -> None:
        self._stores = tuple(stores)
        self._watch = watch
        self._clock = clock
        # For each operation, so that many fast ones do not hide that one is slow.
        self._budgets: defaultdict[str, HedgeBudget] = defaultdict(HedgeBudget)
        self._times: defaultdict[str, CallTimes] = defaultdict(CallTimes)
        self._health = {store.name: Health() for store in stores}

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`. All pages come from one store, which `Listing.origin` names."""
        del watch  # it is not known yet which store will be the one to answer
        return await self._ask("folder", lambda store: store.list_folder(path))

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`. Folder by folder, so that each folder may come from another store."""
        return walk_by_folders(path, after, by_names(list_names))

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        return await self._ask("head", lambda store: store.head(path, is_listed=is_listed))

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`. Use `from_one` to read it together with its folder's listing."""
        return await self._ask("small", lambda store: store.read_small(path, is_listed=is_listed))

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`. Begins at the store that gave `info`, and may go on at one with the same object."""
        begin = self._named(info.origin)
        stores = [begin, *(store for store in self._stores if store is not begin)]

        def note_switch(store: OriginTagging) -> None:
            self._watch.note("failover", store.name)
            _log.warning("file_from_replica", file=path.url, store=store.name)

        async with open_span(stores, path, info, first, length, note_switch=note_switch) as chunks:
            yield chunks

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`."""
        return await self._named(origin).presign(path, fields=fields, expires=expires, origin=origin)

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`. Checks every store; one that answers suffices."""
        failures = await asyncio.gather(*map(_failure_of, self._stores))
        failed = tuple(store.name for store, failure in zip(self._stores, failures, strict=True) if failure)
        if len(failed) == len(self._stores) and failures[0] is not None:
            raise failures[0]
        return failed

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """See `ObjectStore.from_one`."""
        return await self._ask("folder", use)

    def _named(self, origin: str) -> OriginTagging:
        return next(store for store in self._stores if store.name == origin)

    async def _ask(self, kind: str, question: Callable[[OriginTagging], Awaitable[Result]]) -> Result:
        """The answer of the first store that gives one.

        Raises:
            As `ask`; what the first store raised, if none answers.
        """
        self._budgets[kind].note_call()
        started = self._clock()
        async with Race(self._stores, question, self._note_health) as race:
            race.ask_next()
            is_hedged = await self._is_late(kind, race) and self._may_hedge(kind)
            if is_hedged:
                self._watch.note("hedge", self._stores[1].name)
                race.ask_next()
            answer, place = await race.winner()
        if place == 0:
            self._times[kind].add(self._clock() - started)
        else:
            self._watch.note(
                "hedge-won" if is_hedged and place == 1 else "failover", self._stores[place].name
            )
        return answer

    async def _is_late(self, kind: str, race: Race[Result]) -> bool:
        """Wait until the first store has answered or is late. False at once if nothing says when it is late."""
        late_after = self._times[kind].late_after
        return late_after is not None and not await race.is_answered_within(late_after)

    def _may_hedge(self, kind: str) -> bool:
        helper = self._stores[1]
        return not self._health[helper.name].is_ill(self._clock()) and self._budgets[kind].take()

    def _note_health(self, store: OriginTagging, failure: StoreError | None) -> None:
        health = self._health[store.name]
        if failure is None:
            if health.answered():
                _log.info("store_well", store=store.name)
        elif health.failed(self._clock()):
            _log.warning("store_ill", store=store.name, reason=str(failure))


async def _failure_of(store: OriginTagging) -> StoreError | None:
    """Why a store cannot be used now, or None."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await store.check()
    except ILLNESS as error:
        return error
    except TimeoutError:
        return StoreUnavailable("timeout")
    return None
