"""Folders as they were last read, refreshed in the background."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import structlog

from app.cache.byte_cache import ByteCache
from app.cache.freshness import Freshness, Lifetimes
from app.cache.recent_paths import RecentPaths
from app.cache.single_flight import SingleFlight
from app.cache.stored import Cached, Outcome, Stored
from app.domain.errors import NotFound, PierheadError, StoreError
from app.domain.paths import ArtifactPath

Value = TypeVar("Value")

MISSING_SECONDS: Final = 2.0
"""Seconds that the absence of a folder is remembered, if the ttl is not shorter."""
RETRY_SECONDS: Final = 2.0
"""Seconds after a failed refresh during which the old value is used without another attempt."""

_BORROWED: Final = -1

_log = structlog.get_logger(__name__)


Borrow = Callable[[ArtifactPath, "Value | None", float], Awaitable["tuple[Value, float] | None"]]
"""Gives a value that another worker has read after a moment, and when that was. Takes the path, the value that is held
here, and the moment; None where the value must be read here."""


class ListingCache(Generic[Value]):
    """Keeps and refreshes what `load` returns for each folder.

    Fresh values are returned at once; stale ones too, with one refresh in the background; older ones
    only if a refresh fails. A failed refresh restarts the grace period: while the store is
    down, requests for cached folders do not wait for it. Requests for the same folder at the same
    time share one load.

    Attributes:
        missing_seconds: how long the absence of a folder is remembered.
        loads_begun: how many loads there have been, of all folders.

    Args:
        load: reads a folder. NotFound means that there is none; a StoreError means that it cannot be read now.
        held: keeps the values, together with those of other caches.
        cost: bytes that a value takes.
        is_same: whether two values would be served alike. Then the older one stays, with everything that
            was made from it.
        lifetimes: how long values live.
        replica: name of this process's replica, so that replicas refresh at different times.
        clock: seconds; never goes back.
        borrow: asks another worker before a value is read. None where there is none.
    """

    def __init__(
        self,
        load: Callable[[ArtifactPath], Awaitable[Value]],
        *,
        held: ByteCache,
        cost: Callable[[Value], int],
        is_same: Callable[[Value, Value], bool],
        lifetimes: Lifetimes,
        replica: str,
        clock: Callable[[], float],
        borrow: Borrow[Value] | None = None,
    ) -> None:
        self._load = load
        self._borrow = borrow
        self._changed_at = -math.inf
        self._held = held
        self._cost = cost
        self._is_same = is_same
        self._lifetimes = lifetimes
        self._replica = replica
        self._clock = clock
        self._flights: SingleFlight[ArtifactPath, Stored[Value]] = SingleFlight()
        self.missing_seconds = min(MISSING_SECONDS, lifetimes.ttl)
        self.loads_begun = 0
        self._missing = RecentPaths(self.missing_seconds, clock)
        self._newest = -math.inf

    def ready(self, path: ArtifactPath) -> Cached[Value] | None:
        """A value that may be used without waiting, or None. Starts the refresh of a stale one."""
        stored: Stored[Value] | None = self._held.get(path)
        if stored is None:
            return None
        now = self._clock()
        age = now - stored.read_at
        if age < stored.ttl:  # the usual case, before anything else is looked at
            return Cached(stored.value, age, False, same_for=stored.ttl - age)
        if self._lifetimes.keep_nothing_fresh:
            return None
        since_failure = now - stored.failed_at
        left = self._lifetimes.max_stale - age
        match self._lifetimes.classify(age, stored.ttl):
            case Freshness.EXPIRED:
                return None
            case Freshness.FALLBACK:
                left = min(left, max(RETRY_SECONDS, self._lifetimes.grace) - since_failure)
                if left <= 0:
                    return None
            case _:
                left = min(left, stored.ttl + self._lifetimes.grace - age)
        if since_failure >= RETRY_SECONDS:
            # Whatever comes of it changes the cache.
            self._flights.launch(path, lambda: self._read(path))
        else:
            left = min(left, RETRY_SECONDS - since_failure)
        return Cached(stored.value, age, True, "stale", left)

    def fresh(self, path: ArtifactPath) -> Cached[Value] | None:
        """A value that is fresh, or None. Never calls the store, now or in the background."""
        stored: Stored[Value] | None = self._held.get(path)
        age = math.inf if stored is None else self._clock() - stored.read_at
        if stored is None or age >= stored.ttl:
            return None
        return Cached(stored.value, age, False, same_for=stored.ttl - age)

    def held(self, path: ArtifactPath) -> Value | None:
        """Return the cached listing without checking freshness. Never calls the store."""
        stored: Stored[Value] | None = self._held.get(path)
        return stored.value if stored else None

    @property
    def is_warm(self) -> bool:
        """Whether there is any value that may be used while no load succeeds."""
        return self._clock() - self._newest < self._lifetimes.max_stale

    async def get(self, path: ArtifactPath, *, since: int | None = None) -> Cached[Value]:
        """A value that may be used, read now if need be.

        Args:
            since: a former value of `loads_begun`. A value whose load began before it is not returned,
                even if there is no other.

        Raises:
            NotFound: there is no such folder.
            StoreError: the load failed, and no cached value is young enough.
        """
        if since is not None:
            return await self._get_since(path, since)
        if self._lifetimes.keep_nothing_fresh:
            return await self._get_anew(path)
        return self.ready(path) or await self._fetch(path)

    def invalidate(self, path: ArtifactPath) -> None:
        """Note that a folder has changed: the next request reads it, and earlier loads are not cached.

        The old value is used if the folder cannot be read, so that a failing store delays nobody.
        """
        self._changed_at = self._clock()
        stored: Stored[Value] | None = self._held.get(path)
        if stored is not None:
            # Forget an earlier failure: the store may work again by now.
            self._keep(path, stored._replace(ttl=-math.inf, failed_at=-math.inf, changed_at=self._changed_at))
        self._missing.discard(path)
        self._flights.abandon(path)

    async def read_since(self, path: ArtifactPath, since: float, *, may_read: bool) -> Stored[Value] | None:
        """A fresh value that was read after a moment, for another worker; None where there is none.

        Args:
            since: by the clock.
            may_read: whether to read it now, if need be.

        Raises:
            NotFound, StoreError: as `get`.
        """
        stored: Stored[Value] | None = self._held.get(path)
        for _ in range(2):  # a load that was under way may have begun too early, the next one has not
            if stored is not None and self._is_fresh_since(stored, since):
                return stored
            if not may_read:
                return None
            stored = await self._flights.join(path, lambda: self._read(path))
        return stored if stored is not None and self._is_fresh_since(stored, since) else None

    def take_over(self, former: ListingCache[Value]) -> None:
        """Go on with what another cache read of the same tree: each value at its age, for as long as this one keeps it."""
        self.loads_begun = former.loads_begun
        for path, stored, _ in former._held.of_kind(Stored):
            is_due = stored.ttl == -math.inf  # it was invalidated
            self._keep(path, stored if is_due else stored._replace(ttl=self._ttl_of(path)))

    async def aclose(self) -> None:
        """Cancel all loads."""
        await self._flights.aclose()

    async def _get_since(self, path: ArtifactPath, since: int) -> Cached[Value]:
        stored: Stored[Value] | None = self._held.get(path)
        may_be_early = self._flights.is_under_way(path)
        while stored is None or stored.load <= since:
            # At most twice: a load that was under way may have begun too early, the next one has not.
            try:
                stored = await self._flights.join(path, lambda: self._read_here(path))
            except PierheadError:
                if not may_be_early:
                    raise
            may_be_early = False
        return Cached(stored.value, max(0.0, self._clock() - stored.read_at), False, "miss")

    async def _get_anew(self, path: ArtifactPath) -> Cached[Value]:
        """A value whose load begins now: one that is under way may miss what was published since it began."""
        try:
            return await self._get_since(path, self.loads_begun)
        except StoreError as error:
            return self._fallback(path, error)

    async def _fetch(self, path: ArtifactPath) -> Cached[Value]:
        if path in self._missing:
            raise NotFound
        outcome: Outcome = "coalesced" if self._flights.is_under_way(path) else "miss"
        try:
            stored = await self._flights.join(path, lambda: self._read(path))
        except StoreError as error:
            return self._fallback(path, error)
        return Cached(stored.value, max(0.0, self._clock() - stored.read_at), False, outcome)

    def _fallback(self, path: ArtifactPath, error: StoreError) -> Cached[Value]:
        """The cached value, if it may be used after a failed load."""
        stored: Stored[Value] | None = self._held.get(path)
        age = self._clock() - stored.read_at if stored else 0.0
        if stored is None or self._lifetimes.classify(age, stored.ttl) is Freshness.EXPIRED:
            raise error
        return Cached(stored.value, age, True, "stale")

    def _is_fresh_since(self, stored: Stored[Value], since: float) -> bool:
        return stored.read_at > since and self._clock() - stored.read_at < stored.ttl

    async def _read(self, path: ArtifactPath) -> Stored[Value]:
        """A folder as another worker has read it, or else read here."""
        if self._borrow is None or self._lifetimes.keep_nothing_fresh:
            return await self._read_here(path)
        known: Stored[Value] | None = self._held.get(path)
        since = self._changed_at if known is None else max(known.read_at, known.changed_at)
        lent = await self._borrow(path, known and known.value, since)
        if lent is None:
            return await self._read_here(path)
        return self._take(path, *lent, _BORROWED)

    async def _read_here(self, path: ArtifactPath) -> Stored[Value]:
        """Load a folder and keep it, unless it was invalidated meanwhile."""
        # Its age counts from before the first call: changes during the load may be missing in it.
        read_at = self._clock()
        self.loads_begun += 1
        load = self.loads_begun
        try:
            value = await self._load(path)
        except NotFound:
            if self._flights.is_current(path):
                self._held.drop(path)
                self._missing.add(path)
            raise
        except StoreError as error:
            if self._flights.is_current(path):
                self._note_failure(path, error)
            raise
        return self._take(path, value, read_at, load)

    def _take(self, path: ArtifactPath, value: Value, read_at: float, load: int) -> Stored[Value]:
        known: Stored[Value] | None = self._held.get(path)
        if known is not None and self._is_same(known.value, value):
            value = known.value
        stored = Stored(value, self._cost(value), read_at, load, self._ttl_of(path))
        if self._flights.is_current(path):
            self._keep(path, stored)
        return stored

    def _ttl_of(self, path: ArtifactPath) -> float:
        return self._lifetimes.ttl_of(f"{self._replica} {path.url}")

    def _note_failure(self, path: ArtifactPath, error: StoreError) -> None:
        stored: Stored[Value] | None = self._held.get(path)
        if stored is None:
            return
        _log.warning("refresh_failed", folder=path.url, reason=str(error))
        self._keep(path, stored._replace(failed_at=self._clock()))

    def _keep(self, path: ArtifactPath, stored: Stored[Value]) -> None:
        if self._held.put(path, stored, stored.cost):
            self._newest = max(self._newest, stored.read_at)
