"""People who log in and out, lose groups, have tokens taken back, and see keys rotate: each answer is theirs as of now.

The tree does not change, and pages stay in memory for as long as the machine runs. A second server, which keeps nothing and
knows one key, is asked with credentials that are made for each question: what it says is right.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from app.auth.keys import KeyRing
from app.auth.revocation import NOTHING_REVOKED, READ_SECONDS
from app.auth.sessions import SESSION_COOKIE, LoginMethod, SessionLives, Sessions
from app.auth.tokens import TokenGrant, issue_token
from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.telemetry import Metrics
from app.wiring import SiteWiring, WiredSite
from tests.support.clocks import Clock
from tests.support.in_process import Answer, Ask, Asker, send
from tests.support.live_server import policy_from, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.oracle import NOW

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
LIVES: Final = SessionLives(whole=40_000, idle=20_000, refresh=900)
GROUPS: Final = tuple(map(frozenset, ((), ("staff",), ("authors",), ("staff", "authors"))))
NAMES: Final = ("ann", "bob")


class Credential(NamedTuple):
    """What somebody was given.

    Attributes:
        key: what it was made with.
        made: seconds since the epoch, UTC.
        field: of the request that carries it.
    """

    id: str
    groups: frozenset[str]
    key: str
    made: float
    field: tuple[str, str]
    is_session: bool


def session_of(name: str, groups: frozenset[str], key: str, now: float) -> Credential:
    """A login that has just happened."""
    sessions = Sessions(KeyRing([key]), LIVES, 0, NOTHING_REVOKED)
    session = sessions.start(name, groups, LoginMethod.DEMO, now)
    field = ("Cookie", f"{SESSION_COOKIE}={sessions.write(session)}")
    return Credential(session.id, groups, key, now, field, is_session=True)


def token_of(name: str, groups: frozenset[str], key: str, now: float) -> Credential:
    """A token that holds for longer than the machine runs."""
    grant = TokenGrant(name, groups, now + 1e9, now, secrets.token_hex(8))
    field = ("Authorization", f"Bearer {issue_token(KeyRing([key]), grant)}")
    return Credential(grant.id, groups, key, now, field, is_session=False)


class Replicas:
    """Servers of one site, one for each step of a rotation of keys, each wired once.

    Attributes:
        steps: they share what they are made of with all machines, but not what they keep.
        oracle: the server that keeps nothing.
        clock: of all.

    Args:
        revoked: file of the ids that are taken back.
    """

    def __init__(self, revoked: Path) -> None:
        self.revoked = revoked
        self.steps = [_wired([KEYS[n] for n in numbers], revoked_file=revoked) for numbers in ROTATION]
        self.clock = Clock()
        self.store = MemoryStore()
        for path in TREE:
            self.store.put(path, path.encode())
        self.oracle = _wired([KEYS[0]]).open(
            self.store, Metrics(), clock=self.clock, held=ByteCache(0), lifetimes=Lifetimes(0, 0, 0)
        )


def _wired(keys: Sequence[str], **values: Any) -> SiteWiring:
    lives = {"session_seconds": LIVES.whole, "session_idle_seconds": LIVES.idle}
    settings = settings_for(
        log_level="error",
        secret_keys=tuple(keys),
        delivery="proxy",
        demo_login_groups=("staff", "authors"),
        session_refresh_seconds=LIVES.refresh,
        **{**lives, "cache_ttl": 86_400, **values},
    )
    return SiteWiring(settings, policy_from(POLICY))


class SessionMachine(RuleBasedStateMachine):
    """Drives one site.

    Attributes:
        replicas: set by `session_machine_on`.
    """

    replicas: Replicas

    def __init__(self) -> None:
        super().__init__()
        self.replicas.revoked.write_text("")
        self._clock = self.replicas.clock
        self._clock.now = NOW
        self._loop = asyncio.new_event_loop()
        self._servers: dict[int, WiredSite] = {}
        self._step = 0
        self._groups = dict.fromkeys(NAMES, GROUPS[1])
        self._held: dict[str, list[Credential]] = {name: [] for name in NAMES}
        self._revoked: set[str] = set()

    def teardown(self) -> None:
        for server in self._servers.values():
            self._loop.run_until_complete(server.catalog.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    @rule(name=st.sampled_from(NAMES), groups=st.sampled_from(GROUPS))
    def change_groups(self, name: str, groups: frozenset[str]) -> None:
        """It counts from the next login on."""
        self._groups[name] = groups

    @rule(
        name=st.sampled_from(NAMES),
        make=st.sampled_from((session_of, session_of, token_of)),
        ask=st.sampled_from(ASKS),
    )
    def log_in(self, name: str, make: Any, ask: Ask) -> None:
        key = KEYS[ROTATION[self._step][0]]
        self._held[name].insert(0, make(name, self._groups[name], key, self._clock.now))
        self._ask(name, self._held[name][0], ask)

    @rule(name=st.sampled_from(NAMES), ask=st.sampled_from(ASKS))
    def log_out(self, name: str, ask: Ask) -> None:
        """The browser drops its cookie, and is at the same page again."""
        self._held[name] = [held for held in self._held[name] if not held.is_session]
        self._ask(name, None, ask)

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 3), ask=st.sampled_from(ASKS))
    def revoke(self, name: str, number: int, ask: Ask) -> None:
        """Something that was just used is taken back, and used again."""
        if held := self._held[name]:
            credential = held[number % len(held)]
            self._ask(name, credential, ask)
            self._revoked.add(credential.id)
            self.replicas.revoked.write_text("\n".join(self._revoked))
            self._clock.now += READ_SECONDS
            self._ask(name, credential, ask)

    @rule()
    def rotate(self) -> None:
        self._step = (self._step + 1) % len(ROTATION)

    @rule(seconds=st.sampled_from((1, 100, 500, 900, 5000)))
    def wait(self, seconds: float) -> None:
        self._clock.now += seconds

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 3), ask=st.sampled_from(ASKS))
    def ask(self, name: str, number: int, ask: Ask) -> None:
        held = self._held[name]
        self._ask(name, held[number % len(held)] if held else None, ask)

    @rule(ask=st.sampled_from(ASKS))
    def ask_without(self, ask: Ask) -> None:
        self._ask("nobody", None, ask)

    @rule(ask=st.sampled_from(ASKS), make=st.sampled_from((session_of, token_of)))
    def ask_with_a_forgery(self, ask: Ask, make: Any) -> None:
        self._ask("mallory", make("mallory", GROUPS[3], FOREIGN, self._clock.now), ask)

    def _ask(self, name: str, credential: Credential | None, ask: Ask) -> None:
        fields = (credential.field,) if credential else ()
        answer = self._send(self._server, ask, fields)
        groups = self._counting(credential) if credential else None
        if isinstance(groups, int):
            assert answer.status == groups, f"{name} asked {ask} with what does not hold and got {answer}"
            return
        right_fields = () if groups is None else (session_of(name, groups, KEYS[0], self._clock.now).field,)
        right = self._send(self.replicas.oracle, ask, right_fields)
        assert _shown(answer) == _shown(right), f"{name} asked {ask} and got {answer}, where {right} is right"
        if _may_be_shared(answer):
            everybodys = self._send(self.replicas.oracle, ask, ())
            assert _shown(answer) == _shown(everybodys), (
                f"what {name} got by {ask} may be kept for others: {answer}"
            )

    @property
    def _server(self) -> WiredSite:
        """The one with the keys of now."""
        if self._step not in self._servers:
            wiring, clock = self.replicas.steps[self._step], self._clock
            self._servers[self._step] = wiring.open(
                self.replicas.store, Metrics(), age_clock=clock, clock=clock
            )
        return self._servers[self._step]

    def _send(self, server: WiredSite, ask: Ask, fields: tuple[tuple[str, str], ...]) -> Answer:
        return self._loop.run_until_complete(send(server.front_door, ask, Asker("", fields)))

    def _counting(self, credential: Credential) -> frozenset[str] | int | None:
        """The groups that count; None where it is as if there were nothing; a status where it is refused."""
        holds = credential.id not in self._revoked
        holds = holds and credential.key in [KEYS[number] for number in ROTATION[self._step]]
        if not credential.is_session:
            return credential.groups if holds else 401
        age = self._clock.now - credential.made
        if not holds or age >= LIVES.idle:
            return None
        return 401 if age >= LIVES.refresh else credential.groups


def _shown(answer: Answer) -> tuple[object, ...]:
    """All that does not depend on how old a page is, and how it is kept."""
    headers = {field for field in answer.headers if field[0] not in (b"cache-control", b"x-pierhead-as-of")}
    return answer.status, headers, answer.body, answer.is_whole


def _may_be_shared(answer: Answer) -> bool:
    """Whether a cache may give it to others who ask (RFC 9111 section 3.5)."""
    kept_by = answer.header(b"cache-control") or b""
    return b"private" not in kept_by and b"no-store" not in kept_by


def session_machine_on(replicas: Replicas) -> type[SessionMachine]:
    """The machine for these servers, as hypothesis takes it."""
    return type("SessionMachine", (SessionMachine,), {"replicas": replicas})
