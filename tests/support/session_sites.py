"""The site of the session machine: its tree, its keys, and a server for each step of their rotation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.telemetry import Metrics
from app.wiring import SiteWiring
from tests.support.clocks import Clock
from tests.support.in_process import Ask
from tests.support.live_server import policy_from, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.oracle import failing_loudly, hourly_clock
from tests.support.session_people import LIVES, WORKLOADS, JobIssuer, People

POLICY: Final = """
private_entries = "listed"

[[rule]]
path = "a/staff.txt"
tier = "private"
groups = ["staff"]

[[rule]]
path = "authors"
tier = "private"
groups = ["authors"]
visibility = "unlisted"
"""
TREE: Final = ("a/staff.txt", "a/open.txt", "authors/book.txt", "top.txt")
ASKS: Final = (
    *(Ask(path, query) for path in ("/", "/a/", "/authors/") for query in ("", "format=json", "format=text")),
    *(Ask(f"/{path}") for path in TREE),
    Ask("/api/ls/a/"),
    Ask("/", "recursive=true&limit=1000"),
)
KEYS: Final = tuple(f"key number {number} of the tests, which is long enough" for number in range(4))
ROTATION: Final = ((0,), (1, 0), (1,), (2, 1), (2,))
"""Which keys count after each step; the first signs."""
FOREIGN: Final = KEYS[3]


class Replicas:
    """Servers of one site, one for each step of a rotation of keys, each wired once.

    Attributes:
        steps: they share what they are made of with all machines, but not what they keep.
        oracle: the server that keeps nothing.
        clock: of all.
        ages: seconds since they were made, by which they tell how old an issuer's keys are.
        people: whom all ask about passwords.
        issuer: of jobs' tokens.

    Args:
        revoked: file of the ids that are taken back.
    """

    def __init__(self, revoked: Path) -> None:
        self.revoked = revoked
        self.clock, self.ages = Clock(), Clock()
        self.people, self.issuer = People(), JobIssuer()
        self.steps = [self._wired([KEYS[n] for n in numbers], revoked_file=revoked) for numbers in ROTATION]
        self.store = MemoryStore()
        for path in TREE:
            self.store.put(path, path.encode())
        self.oracle = failing_loudly(
            self._wired([KEYS[0]]).open(
                self.store,
                Metrics(),
                age_clock=hourly_clock(),
                clock=self.clock,
                held=ByteCache(0),
                lifetimes=Lifetimes(0, 0, 0),
            )
        )

    def _wired(self, keys: Sequence[str], **values: Any) -> SiteWiring:
        lives = {"session_seconds": LIVES.whole, "session_idle_seconds": LIVES.idle}
        settings = settings_for(
            log_level="error",
            secret_keys=tuple(keys),
            delivery="proxy",
            demo_login_groups=("staff", "authors"),
            session_refresh_seconds=LIVES.refresh,
            **{**lives, "cache_ttl": 86_400, **values},
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.wiring.login.DemoDirectory", lambda groups: self.people)
            patch.setattr("app.auth.fetch.JsonFetcher", lambda: self.issuer)
            return SiteWiring(settings, policy_from(POLICY + WORKLOADS), self.ages)
