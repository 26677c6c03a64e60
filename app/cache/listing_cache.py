"""Folders as they were last read, refreshed in the background."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Literal, NamedTuple, TypeVar

import structlog

from app.cache.byte_cache import ByteCache
from app.cache.freshness import Freshness, Lifetimes
from app.cache.recent_paths import RecentPaths
from app.cache.single_flight import SingleFlight
from app.domain.errors import NotFound, PierheadError, StoreError
from app.domain.paths import ArtifactPath

Value = TypeVar("Value")

Outcome = Literal["fresh", "stale", "miss", "coalesced"]

MISSING_SECONDS: Final = 2.0
"""Seconds that the absence of a folder is remembered, if the ttl is not shorter."""
RETRY_SECONDS: Final = 2.0
"""Seconds after a failed refresh during which the old value is used without another attempt."""

_log = structlog.get_logger(__name__)


class Cached(NamedTuple, Generic[Value]):
    """A value and how old it is.

    Attributes:
        age: seconds since it was read.
        is_stale: whether it has expired and is only used because a refresh is under way or has failed.
        outcome: where it came from, for the log: fresh or stale from memory, read for this call (miss), or by a
            load that another call had begun (coalesced).
    """

    value: Value
    age: float
    is_stale: bool
    outcome: Outcome = "fresh"


class _Stored(NamedTuple, Generic[Value]):
    """A value as it is kept: what it costs, when it was read and by which load, for how long it is fresh, and
    when it could last not be read again.
    """

    value: Value
    cost: int
    read_at: float
    load: int
    ttl: float
    failed_at: float = -math.inf


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
    ) -> None:
        self._load = load
        self._held = held
        self._cost = cost
        self._is_same = is_same
        self._lifetimes = lifetimes
        self._replica = replica
        self._clock = clock
        self._flights: SingleFlight[ArtifactPath, _Stored[Value]] = SingleFlight()
        self.missing_seconds = min(MISSING_SECONDS, lifetimes.ttl)
        self.loads_begun = 0
        self._missing = RecentPaths(self.missing_seconds, clock)
        self._newest = -math.inf

    def ready(self, path: ArtifactPath) -> Cached[Value] | None:
        """A value that may be used without waiting, or None. Starts the refresh of a stale one."""
        stored: _Stored[Value] | None = self._held.get(path)
        if stored is None:
            return None
        now = self._clock()
        age = now - stored.read_at
        if age < stored.ttl:  # the usual case, before anything else is looked at
            return Cached(stored.value, age, False)
        if self._lifetimes.keep_nothing_fresh:
            return None
        since_failure = now - stored.failed_at
        match self._lifetimes.classify(age, stored.ttl):
            case Freshness.EXPIRED:
                return None
            case Freshness.FALLBACK if since_failure >= max(RETRY_SECONDS, self._lifetimes.grace):
                return None
            case _:
                if since_failure >= RETRY_SECONDS:
                    self._flights.launch(path, lambda: self._read(path))
                return Cached(stored.value, age, True, "stale")

    def held(self, path: ArtifactPath) -> Value | None:
        """Return the cached listing without checking freshness. Never calls the store."""
        stored: _Stored[Value] | None = self._held.get(path)
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
        stored: _Stored[Value] | None = self._held.get(path)
        if stored is not None:
            # Forget an earlier failure: the store may work again by now.
            self._keep(path, stored._replace(ttl=-math.inf, failed_at=-math.inf))
        self._missing.discard(path)
        self._flights.abandon(path)

    async def aclose(self) -> None:
        """Cancel all loads."""
        await self._flights.aclose()

    async def _get_since(self, path: ArtifactPath, since: int) -> Cached[Value]:
        stored: _Stored[Value] | None = self._held.get(path)
        may_be_early = self._flights.is_under_way(path)
        while stored is None or stored.load <= since:
            # At most twice: a load that was under way may have begun too early, the next one has not.
            try:
                stored = await self._flights.join(path, lambda: self._read(path))
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
        stored: _Stored[Value] | None = self._held.get(path)
        age = self._clock() - stored.read_at if stored else 0.0
        if stored is None or self._lifetimes.classify(age, stored.ttl) is Freshness.EXPIRED:
            raise error
        return Cached(stored.value, age, True, "stale")

    async def _read(self, path: ArtifactPath) -> _Stored[Value]:
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
        known: _Stored[Value] | None = self._held.get(path)
        if known is not None and self._is_same(known.value, value):
            value = known.value
        ttl = self._lifetimes.ttl_of(f"{self._replica} {path.url}")
        stored = _Stored(value, self._cost(value), read_at, load, ttl)
        if self._flights.is_current(path):
            self._keep(path, stored)
        return stored

    def _note_failure(self, path: ArtifactPath, error: StoreError) -> None:
        stored: _Stored[Value] | None = self._held.get(path)
        if stored is None:
            return
        _log.warning("refresh_failed", folder=path.url, reason=str(error))
        self._keep(path, stored._replace(failed_at=self._clock()))

    def _keep(self, path: ArtifactPath, stored: _Stored[Value]) -> None:
        if self._held.put(path, stored, stored.cost):
            self._newest = max(self._newest, stored.read_at)
