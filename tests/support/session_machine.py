"""People who log in and out, lose groups, have tokens taken back, and see keys rotate: each answer is theirs as of now.

They have sealed sessions, those of the form, tokens of the site and of an issuer, names and passwords. The tree does not change, and
pages stay in memory for as long as the machine runs. A second server, which keeps nothing and knows one key, is asked with
credentials that are made for each question: what it says is right.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from app.auth.keys import KeyRing, Purpose
from app.auth.oidc.verify import SKEW_SECONDS
from app.auth.passwords import REMEMBERED_SECONDS
from app.auth.revocation import READ_SECONDS
from app.auth.sealing import unseal
from app.telemetry import Metrics
from app.wiring import WiredSite
from tests.support.in_process import Answer, Ask, Asker, send
from tests.support.oracle import NOW, failing_loudly
from tests.support.session_browser import go_on, log_in, log_out
from tests.support.session_people import (
    GROUPS,
    JOB_SECONDS,
    LIVES,
    NAMES,
    Credential,
    Kind,
    RememberedPasswords,
    cookie_field,
    session_of,
    token_of,
)
from tests.support.session_sites import ASKS, FOREIGN, KEYS, ROTATION, Replicas

TRY_SECONDS: Final = 10
"""What passes before each try of a password: more often, one user may not try."""


_Result = TypeVar("_Result")


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
        self._people = self.replicas.people
        # What servers remember of other machines' people is about other passwords.
        self._people.passwords = {name: secrets.token_urlsafe(8) for name in NAMES}
        self._people.groups_of = dict.fromkeys(NAMES, GROUPS[1])
        self._held: dict[str, list[Credential]] = {name: [] for name in NAMES}
        self._remembered = RememberedPasswords(self._people, self._clock)
        self._revoked: set[str] = set()

    def teardown(self) -> None:
        for server in self._servers.values():
            self._loop.run_until_complete(server.catalog.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    @rule(name=st.sampled_from(NAMES), groups=st.sampled_from(GROUPS))
    def change_groups(self, name: str, groups: frozenset[str]) -> None:
        """It counts from the next login on."""
        self._people.groups_of[name] = groups

    @rule(
        name=st.sampled_from(NAMES),
        kind=st.sampled_from((Kind.SESSION, Kind.SESSION, Kind.TOKEN, Kind.JOB)),
        ask=st.sampled_from(ASKS),
    )
    def come(self, name: str, kind: Kind, ask: Ask) -> None:
        """With something that was just made, as if at another replica."""
        make = {Kind.SESSION: session_of, Kind.TOKEN: token_of, Kind.JOB: self.replicas.issuer.job_of}[kind]
        self._held[name].insert(0, make(name, self._people.groups_of[name], self._key, self._clock.now))
        self._ask(name, self._held[name][0], ask)

    @rule(name=st.sampled_from(NAMES), ask=st.sampled_from(ASKS))
    def log_in(self, name: str, ask: Ask) -> None:
        """By the form."""
        self._pass(TRY_SECONDS)
        value = self._run(log_in(self._server.front_door, name, self._people.passwords[name]))
        assert value is not None, f"{name} could not log in"
        self._held[name].insert(0, self._read_session(value))
        self._ask(name, self._held[name][0], ask)

    @rule(
        name=st.sampled_from(NAMES),
        number=st.integers(0, 3),
        groups=st.sampled_from(GROUPS),
        seconds=st.sampled_from((1, LIVES.refresh, LIVES.refresh)),
        ask=st.sampled_from(ASKS),
    )
    def go_on(self, name: str, number: int, groups: frozenset[str], seconds: float, ask: Ask) -> None:
        """By the login page, which asks for the groups again where it is time to."""
        self._people.groups_of[name] = groups
        self._pass(seconds)
        sessions = [held for held in self._held[name] if held.kind is Kind.SESSION]
        if not sessions:
            return
        old = sessions[number % len(sessions)]
        status, value = self._run(go_on(self._server.front_door, old.field[1].partition("=")[2]))
        counting = self._counting(old)
        assert (status, value is not None) == (200 if counting is None else 303, counting == 401)
        if value is not None:
            new = self._read_session(value)
            assert (new.id, new.made) == (old.id, old.made), "a login became another one"
            self._held[name][self._held[name].index(old)] = new
            self._ask(name, new, ask)

    @rule(name=st.sampled_from(NAMES), ask=st.sampled_from(ASKS))
    def log_out(self, name: str, ask: Ask) -> None:
        """The browser drops its cookie, and is at the same page again."""
        for held in self._held[name]:
            if held.kind is Kind.SESSION and self._counting(held) is not None:
                assert self._run(log_out(self._server.front_door, held.field[1].partition("=")[2]))
                break
        self._held[name] = [held for held in self._held[name] if held.kind is not Kind.SESSION]
        self._ask(name, None, ask)

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 3), ask=st.sampled_from(ASKS))
    def revoke(self, name: str, number: int, ask: Ask) -> None:
        """Something that was just used is taken back, and used again."""
        if held := self._held[name]:
            credential = held[number % len(held)]
            self._ask(name, credential, ask)
            self._take_back(credential.id)
            self._ask(name, credential, ask)

    @rule(name=st.sampled_from(NAMES), ask=st.sampled_from(ASKS))
    def revoke_password(self, name: str, ask: Ask) -> None:
        self.ask_by_password(name, ask)
        self._take_back(f"password:{name}")
        self.ask_by_password(name, ask)

    @rule(name=st.sampled_from(NAMES), ask=st.sampled_from(ASKS))
    def change_password(self, name: str, ask: Ask) -> None:
        """The old one counts for a while, the new one at once."""
        self.ask_by_password(name, ask)
        old = self._people.passwords[name]
        self._people.passwords[name] = secrets.token_urlsafe(8)
        self._ask_by_password(name, old, ask)
        self.ask_by_password(name, ask)
        self._pass(REMEMBERED_SECONDS)
        self._ask_by_password(name, old, ask)

    @rule()
    def rotate(self) -> None:
        self._step = (self._step + 1) % len(ROTATION)

    @rule(seconds=st.sampled_from((1, 100, 500, 900, 5000)))
    def wait(self, seconds: float) -> None:
        self._pass(seconds)

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 3), ask=st.sampled_from(ASKS))
    def ask(self, name: str, number: int, ask: Ask) -> None:
        held = self._held[name]
        self._ask(name, held[number % len(held)] if held else None, ask)

    @rule(ask=st.sampled_from(ASKS))
    def ask_without(self, ask: Ask) -> None:
        self._ask("nobody", None, ask)

    @rule(name=st.sampled_from(NAMES), ask=st.sampled_from(ASKS))
    def ask_by_password(self, name: str, ask: Ask) -> None:
        self._ask_by_password(name, self._people.passwords[name], ask)

    @rule(ask=st.sampled_from(ASKS), number=st.integers(0, 4), name=st.sampled_from(NAMES))
    def ask_with_a_forgery(self, ask: Ask, number: int, name: str) -> None:
        issuer = self.replicas.issuer
        makes = (session_of, token_of, issuer.forgery_of, issuer.job_of_another_site)
        if number == len(makes):
            self._ask_by_password(name, self._people.passwords[NAMES[name == NAMES[0]]], ask)
            return
        forged = makes[number](name, GROUPS[3], FOREIGN, self._clock.now)
        self._ask(name, forged._replace(key=FOREIGN), ask)

    def _ask_by_password(self, name: str, password: str, ask: Ask) -> None:
        if not self._remembered.has(self._step, name, password):
            self._pass(TRY_SECONDS)
        groups = self._remembered.groups(self._step, name, password)
        counting = 401 if groups is None or f"password:{name}" in self._revoked else groups
        pair = base64.b64encode(f"{name}:{password}".encode()).decode("ascii")
        self._check(name, counting, ("Authorization", f"Basic {pair}"), ask)

    def _ask(self, name: str, credential: Credential | None, ask: Ask) -> None:
        groups = self._counting(credential) if credential else None
        self._check(name, groups, credential.field if credential else None, ask)

    def _check(
        self, name: str, groups: frozenset[str] | int | None, field: tuple[str, str] | None, ask: Ask
    ) -> None:
        """Ask, and see that the answer is right for somebody in these groups; an integer is a refusal."""
        answer = self._send(self._server, ask, (field,) if field else ())
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
            self._servers[self._step] = failing_loudly(
                wiring.open(self.replicas.store, Metrics(), age_clock=clock, clock=clock)
            )
        return self._servers[self._step]

    def _read_session(self, value: str) -> Credential:
        """What the site has given to somebody, by its own word: groups as they are now, sealed with the first key."""
        claims = unseal(KeyRing([self._key]), Purpose.SESSION, value)
        assert claims is not None, "a session was sealed with another key than the first"
        groups, name = frozenset(claims["groups"]), claims["sub"]
        assert groups == self._people.groups_of[name], f"{name} has got the groups {groups}"
        assert claims["renewed"] == self._clock.now
        field, made = cookie_field(value), claims["iat"]
        return Credential(claims["sid"], groups, self._key, made, field, Kind.SESSION, self._clock.now)

    def _take_back(self, identifier: str) -> None:
        self._revoked.add(identifier)
        self.replicas.revoked.write_text("\n".join(self._revoked))
        self._pass(READ_SECONDS)

    def _pass(self, seconds: float) -> None:
        self._clock.now += seconds
        self.replicas.ages.now += seconds

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._loop.run_until_complete(work)

    @property
    def _key(self) -> str:
        """That signs and seals now."""
        return KEYS[ROTATION[self._step][0]]

    def _send(self, server: WiredSite, ask: Ask, fields: tuple[tuple[str, str], ...]) -> Answer:
        return self._loop.run_until_complete(send(server.front_door, ask, Asker("", fields)))

    def _counting(self, credential: Credential) -> frozenset[str] | int | None:
        """The groups that count; None where it is as if there were nothing; a status where it is refused."""
        now, holds = self._clock.now, credential.id not in self._revoked
        if credential.kind is Kind.JOB:
            in_time = now < int(credential.made) + JOB_SECONDS + SKEW_SECONDS
            return credential.groups if holds and in_time and credential.key != FOREIGN else 401
        holds = holds and credential.key in [KEYS[number] for number in ROTATION[self._step]]
        if credential.kind is Kind.TOKEN:
            return credential.groups if holds else 401
        if not holds or now >= min(credential.made + LIVES.whole, credential.renewed + LIVES.idle):
            return None
        return 401 if now >= credential.renewed + LIVES.refresh else credential.groups


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
