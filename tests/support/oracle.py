"""A second server over the same rules that keeps nothing: it tells which answers are right.

A server with a cache may answer as things were some time ago. So the oracle answers for a tree as it was at
any time, for the very request of the very asker, and an answer is right if it is one of those.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import cached_property
from itertools import count, product
from typing import Any, NamedTuple, NoReturn

from starlette.requests import Request

from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.config import Settings
from app.domain.access import Principal, VisibleEntry
from app.domain.entries import walk_order
from app.domain.errors import AccessDenied, AuthenticationFailed, Moved, NotFound
from app.domain.paths import ArtifactPath
from app.pages.lists import entry_line
from app.policy.site_policy import SitePolicy
from app.storage.store import ObjectStore
from app.telemetry import Metrics
from app.wiring import SiteWiring, WiredSite
from tests.support.in_process import Answer, Ask, Asker, send
from tests.support.memory_store import MemoryStore

S3 = "https://s3.example"
"""Where files are redirected to, on sites that do not deliver them from here."""

NOW = 1_900_000_000.0
"""Seconds since the epoch, for tokens and dates. Ages are told by another clock."""

State = frozenset[tuple[str, bytes | str]]
"""Every file of a tree, by path, with its content; and every link of the store's own, with the path that it names."""


class Fault(NamedTuple):
    """What the store fails at.

    Attributes:
        operation: as in `MemoryStore.fail_on`.
        path: where; None for everywhere.
    """

    operation: str
    path: str | None
    error: Exception


def plant(store: MemoryStore, path: str, content: bytes | str) -> None:
    """Store a link, or a file whose time is that of its content: the same bytes are the same file."""
    if isinstance(content, str):
        store.link(path, content)
        return
    store.put(path, content, modified=1e9 + zlib.crc32(content) % 1_000_000)


class Site:
    """One policy and one set of settings: servers with and without a cache can be made of it."""

    def __init__(self, settings: Settings, policy: SitePolicy) -> None:
        self.settings = settings
        self.policy = policy
        self._wiring = SiteWiring(settings, policy)

    def cached(self, store: ObjectStore, clock: Callable[[], float]) -> WiredSite:
        """A server that keeps what the settings say, as old as `clock` tells."""
        return failing_loudly(self._wiring.open(store, Metrics(), age_clock=clock, clock=lambda: NOW))

    def uncached(self, store: ObjectStore) -> WiredSite:
        """A server that says the same, and keeps nothing at all."""
        return failing_loudly(
            self._wiring.open(
                store,
                Metrics(),
                age_clock=hourly_clock(),
                clock=lambda: NOW,
                held=ByteCache(0),
                lifetimes=Lifetimes(0, 0, 0),
            )
        )

    @cached_property
    def oracle(self) -> Oracle:
        """The oracle of this site; it remembers what it was asked."""
        return Oracle(self)


def hourly_clock() -> Callable[[], float]:
    """A clock by which every look is an hour later: no client has ever asked for too much."""
    hours = count(0.0, 3600.0)
    return lambda: next(hours)


def failing_loudly(server: WiredSite) -> WiredSite:
    """Have an exception that the code does not expect end the test, rather than become an answer like any other."""

    def show(request: Request) -> NoReturn:
        error = sys.exception()
        assert error is not None
        raise error

    vars(server.front_door._errors)["failure"] = show
    return server


class Oracle:
    """Answers for trees as they were."""

    def __init__(self, site: Site) -> None:
        self._store = MemoryStore(presign_base=S3)
        self._state: State = frozenset()
        self._fault: Fault | None = None
        self._server = site.uncached(self._store)
        self._loop = asyncio.new_event_loop()
        self._answers: dict[tuple[State, Fault | None, Ask, Asker], Answer] = {}
        self._listings: dict[tuple[State, ArtifactPath, Asker], tuple[VisibleEntry, ...] | None] = {}

    def close(self) -> None:
        """Let the event loop go."""
        self._loop.close()

    def answer(self, state: State, fault: Fault | None, ask: Ask, asker: Asker) -> Answer:
        """What a server without a cache says when the tree is in this state."""
        key = (state, fault, ask, asker)
        if (known := self._answers.get(key)) is None:
            self._go_to(state, fault)
            known = self._answers[key] = self._run(send(self._server.front_door, ask, asker))
        return known

    def principal(self, asker: Asker) -> Principal:
        """Who the server takes somebody for."""
        return principal_of(self._server, asker)

    def walks(self, states: tuple[State, ...], folder: ArtifactPath, asker: Asker) -> Iterator[bytes]:
        """Every right answer to `recursive=true`, when each folder may be as it was in any of these states."""
        listings = {self._listing(state, folder, asker) for state in states}
        for listing in listings:
            in_order = sorted(listing or (), key=lambda visible: walk_order(visible.entry))
            pieces = [list(self._walks_of(visible, states, asker)) for visible in in_order]
            yield from map(b"".join, product(*pieces))

    def lists(self, state: State, folder: ArtifactPath, asker: Asker) -> bool:
        """Whether the asker may list a folder."""
        return self._listing(state, folder, asker) is not None

    def shows(self, state: State, path: ArtifactPath, asker: Asker) -> bool:
        """Whether the asker may list the folder of a path, and finds the path there."""
        return path in {visible.path for visible in self._listing(state, path.parent, asker) or ()}

    def _walks_of(self, visible: VisibleEntry, states: tuple[State, ...], asker: Asker) -> Iterable[bytes]:
        line = entry_line(visible)
        if not visible.entry.is_folder or visible.locked:
            return [line]
        return {line + below for below in self.walks(states, visible.path, asker)}

    def _listing(self, state: State, folder: ArtifactPath, asker: Asker) -> tuple[VisibleEntry, ...] | None:
        """What the asker sees in a folder; None where it is not shown."""
        key = (state, folder, asker)
        if key not in self._listings:
            self._go_to(state, None)
            try:
                principal = self.principal(asker)
                self._listings[key] = self._run(self._server.catalog.list_folder(folder, principal))
            except (AccessDenied, AuthenticationFailed, NotFound, Moved):
                self._listings[key] = None
        return self._listings[key]

    def _go_to(self, state: State, fault: Fault | None) -> None:
        """Make the store what it was."""
        for path, _ in self._state - state:
            self._store.remove(path)
        for path, content in state - self._state:
            plant(self._store, path, content)
        if self._fault is not None:
            self._store.fail_on(self._fault.operation, None, path=self._fault.path)
        if fault is not None:
            self._store.fail_on(fault.operation, fault.error, path=fault.path)
        self._state, self._fault = state, fault

    def _run(self, work: Awaitable[Any]) -> Any:
        return self._loop.run_until_complete(work)


def principal_of(server: WiredSite, asker: Asker) -> Principal:
    """Who the server takes somebody for."""

    def lines(name: str) -> list[str]:
        return [value for key, value in asker.headers if key.lower() == name]

    return server.authenticator.identify(lines, asker.address, NOW).principal
