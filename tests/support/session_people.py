"""People of a site and what they show of themselves: sessions, tokens of the site and of an issuer, names and passwords."""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import Any, Final, NamedTuple

from joserfc import jwt
from joserfc.jwk import Key

from app.auth.fetch import JsonFetcher
from app.auth.keys import KeyRing
from app.auth.passwords import REMEMBERED_SECONDS
from app.auth.people import Person
from app.auth.revocation import NOTHING_REVOKED
from app.auth.sessions import SESSION_COOKIE, LoginMethod, SessionLives, Sessions
from app.auth.tokens import TokenGrant, issue_token
from tests.support.clocks import Clock
from tests.support.fake_directory import FakeDirectory
from tests.support.fake_provider import new_key

LIVES: Final = SessionLives(whole=40_000, idle=20_000, refresh=900)
GROUPS: Final = tuple(map(frozenset, ((), ("staff",), ("authors",), ("staff", "authors"))))
NAMES: Final = ("ann", "bob")
ISSUER: Final = "https://ci.example.test"
AUDIENCE: Final = "https://pierhead.example"
JOB_SECONDS: Final = 300
WORKLOADS: Final = f"""
[[workload_issuers]]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
groups = [
    {{ claim = "teams", equals = "staff", group = "staff" }},
    {{ claim = "teams", equals = "authors", group = "authors" }},
]
"""
"""For a site policy."""


class Kind(StrEnum):
    """Of credentials."""

    SESSION = "session"
    TOKEN = "token"
    JOB = "job"


class Credential(NamedTuple):
    """What somebody was given.

    Attributes:
        key: what it was made with; empty for an issuer's own.
        made: seconds since the epoch, UTC.
        field: of the request that carries it.
        renewed: when its groups were asked for again, as `made`.
    """

    id: str
    groups: frozenset[str]
    key: str
    made: float
    field: tuple[str, str]
    kind: Kind
    renewed: float


def session_of(name: str, groups: frozenset[str], key: str, now: float) -> Credential:
    """A login that has just happened."""
    sessions = Sessions(KeyRing([key]), LIVES, 0, NOTHING_REVOKED)
    session = sessions.start(name, groups, LoginMethod.DEMO, now)
    field = cookie_field(sessions.write(session))
    return Credential(session.id, groups, key, now, field, Kind.SESSION, now)


def cookie_field(value: str) -> tuple[str, str]:
    """The field of a request with a session."""
    return ("Cookie", f"{SESSION_COOKIE}={value}")


def token_of(name: str, groups: frozenset[str], key: str, now: float) -> Credential:
    """A token that holds for longer than any test."""
    grant = TokenGrant(name, groups, now + 1e9, now, secrets.token_hex(8))
    field = ("Authorization", f"Bearer {issue_token(KeyRing([key]), grant)}")
    return Credential(grant.id, groups, key, now, field, Kind.TOKEN, now)


class People(FakeDirectory):
    """A directory in which everybody has groups of their own.

    Attributes:
        groups_of: by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.groups_of: dict[str, frozenset[str]] = {}

    async def find(self, subject: str) -> Person | None:
        """See `Directory`."""
        person = await super().find(subject)
        return person and person._replace(groups=self.groups_of[subject])


class RememberedPasswords:
    """What servers may remember of names and passwords: the groups of when they asked last, for a while.

    Args:
        people: whom they ask.
        clock: seconds since the epoch.
    """

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._known: dict[tuple[int, str, str], tuple[frozenset[str], float]] = {}

    def has(self, server: int, name: str, password: str) -> bool:
        """Whether a server need not ask."""
        _, at = self._known.get((server, name, password), (frozenset(), -REMEMBERED_SECONDS))
        return self._clock.now < at + REMEMBERED_SECONDS

    def groups(self, server: int, name: str, password: str) -> frozenset[str] | None:
        """The groups that count at a server, which asks now if it has to; None where the password is wrong."""
        if not self.has(server, name, password):
            if password != self._people.passwords[name]:
                return None
            self._known[server, name, password] = self._people.groups_of[name], self._clock.now
        return self._known[server, name, password][0]


class JobIssuer(JsonFetcher):
    """An issuer of tokens for jobs, in place of the network that leads to it."""

    def __init__(self) -> None:
        self._key = new_key("the only")
        self._foreign = new_key("the only")

    async def get(self, url: str, headers: Any = None) -> dict[str, Any]:
        """See `JsonFetcher`."""
        if url.endswith("/jwks"):
            return {"keys": [self._key.as_dict(private=False)]}
        return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}

    def job_of(self, name: str, groups: frozenset[str], key: str, now: float) -> Credential:
        """A token of a job, which the issuer has just made. Keys of the site have no part in it."""
        return self._job(name, groups, now, self._key, AUDIENCE)

    def forgery_of(self, name: str, groups: frozenset[str], key: str, now: float) -> Credential:
        """The same by somebody who says to be the issuer."""
        return self._job(name, groups, now, self._foreign, AUDIENCE)

    def job_of_another_site(self, name: str, groups: frozenset[str], key: str, now: float) -> Credential:
        """The same for another site."""
        return self._job(name, groups, now, self._key, "https://elsewhere.example")

    def _job(self, name: str, groups: frozenset[str], now: float, key: Key, audience: str) -> Credential:
        identifier = secrets.token_hex(8)
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": name,
            "teams": sorted(groups),
            "iat": int(now),
            "exp": int(now) + JOB_SECONDS,
            "jti": identifier,
        }
        text = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])
        return Credential(identifier, groups, "", now, ("Authorization", f"Bearer {text}"), Kind.JOB, now)
