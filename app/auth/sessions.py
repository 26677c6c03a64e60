"""Sessions: a sealed cookie that any replica can read, and that no server stores.

A session ends at a fixed time after its login, and earlier if it is not used. Its groups come from the
identity provider or directory, and count only for `refresh` seconds: then they are refreshed. The
cookie is written only at a login and when the groups are refreshed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from app.auth.cookies import cookie_values, secure_name
from app.auth.keys import KeyRing, Purpose
from app.auth.revocation import NOTHING_REVOKED, Revocations
from app.auth.sealing import seal, unseal
from app.domain.errors import LoginFailed

SESSION_COOKIE: Final = "pierhead_session"


class LoginMethod(StrEnum):
    """How a user logged in, and so how the groups are refreshed."""

    OIDC = "oidc"
    LDAP = "ldap"
    DEMO = "demo"


@dataclass(frozen=True)
class Session:
    """One login.

    Attributes:
        subject: user name.
        groups: names of the user's groups.
        method: of the login.
        id: unique name of the login, for logs and for revoking it.
        started: time of the login, in seconds since the epoch, UTC.
        renewed: when its groups were last refreshed, in seconds since the epoch, UTC.
    """

    subject: str
    groups: frozenset[str]
    method: LoginMethod
    id: str
    started: float
    renewed: float

    @property
    def is_new(self) -> bool:
        """Whether its groups are still the ones from the login."""
        return self.started == self.renewed


class SessionLives(NamedTuple):
    """How long sessions last, in seconds.

    Attributes:
        whole: after a login, in any case.
        idle: after the groups were last refreshed.
        refresh: that groups count before they are refreshed; less than `idle`.
    """

    whole: int
    idle: int
    refresh: int


AHEAD_SECONDS: Final = 60.0
"""By so much, the clock of another replica may be ahead. What is dated later was made by a clock that has been set back since."""


class Sessions:
    """Makes and reads sessions.

    Args:
        keys: seal them.
        lives: how long they last.
        epoch: any number; sessions with another number have ended.
        revocations: knows which sessions are revoked.
    """

    def __init__(
        self,
        keys: KeyRing,
        lives: SessionLives,
        epoch: int,
        revocations: Revocations = NOTHING_REVOKED,
    ) -> None:
        self._revocations = revocations
        self._keys = keys
        self._lives = lives
        self._epoch = epoch

    def start(self, subject: str, groups: frozenset[str], method: LoginMethod, now: float) -> Session:
        """Begin a session. It is always new, so that nothing of an earlier one is carried over."""
        return Session(subject, groups, method, secrets.token_hex(8), now, now)

    def renew(self, session: Session, groups: frozenset[str], now: float) -> Session:
        """The same login with new groups. It does not last longer."""
        return replace(session, groups=groups, renewed=now)

    def write(self, session: Session) -> str:
        """The value of its cookie.

        Raises:
            LoginFailed: `too-many-groups`, they do not fit into a cookie.
        """
        claims = {
            "sub": session.subject,
            "groups": sorted(session.groups),
            "method": session.method.value,
            "sid": session.id,
            "iat": session.started,
            "renewed": session.renewed,
            "epoch": self._epoch,
        }
        try:
            return seal(self._keys, Purpose.SESSION, claims)
        except ValueError as error:
            raise LoginFailed("too-many-groups") from error

    def read(
        self, cookies: Sequence[str], now: float, *, is_https: bool, root_path: str = ""
    ) -> Session | None:
        """The session of a client; None if there is none, or if it has ended.

        An invalid one is not an error: browsers drop expired cookies, with the same effect.

        Args:
            cookies: every line of `Cookie`.
            now: seconds since the epoch, UTC.
            is_https: whether the client's connection is encrypted. Then only the cookie name is read that no other host
                and no unencrypted connection can set.
            root_path: of the site in this request.

        Raises:
            RevocationsUnknown: the revoked ids cannot be read.
        """
        session = self._read(
            cookies, now, secure_name(SESSION_COOKIE, is_https=is_https, root_path=root_path)
        )
        return None if session is None or self._revocations.is_revoked(session.id, now) else session

    def read_revoked(
        self, cookies: Sequence[str], now: float, *, is_https: bool, root_path: str = ""
    ) -> Session | None:
        """A session that would hold if it were not revoked. Args and raises as `read`."""
        session = self._read(
            cookies, now, secure_name(SESSION_COOKIE, is_https=is_https, root_path=root_path)
        )
        return session if session is not None and self._revocations.is_revoked(session.id, now) else None

    def seconds_left(self, session: Session, now: float) -> int:
        """Remaining seconds of a session if its groups are not refreshed; 0 or less if it has ended."""
        ends = min(session.started + self._lives.whole, session.renewed + self._lives.idle)
        return int(ends - now)

    def is_due(self, session: Session, now: float) -> bool:
        """Whether its groups must be refreshed before they count."""
        return not session.renewed - AHEAD_SECONDS <= now < session.renewed + self._lives.refresh

    def is_of_the_future(self, session: Session, now: float) -> bool:
        """Whether it began later than now: counted from there, it would last too long, so it has ended."""
        return now < session.started - AHEAD_SECONDS

    def due_at(self, session: Session) -> float:
        """Until when a session that is not due stays as it is; seconds since the epoch, UTC."""
        return min(session.started + self._lives.whole, session.renewed + self._lives.refresh)

    def _read(self, cookies: Sequence[str], now: float, name: str) -> Session | None:
        for value in cookie_values(cookies, name):
            session = self._session(unseal(self._keys, Purpose.SESSION, value))
            if session is None or self.is_of_the_future(session, now):
                continue
            if self.seconds_left(session, now) > 0:
                return session
        return None

    def _session(self, claims: dict[str, Any] | None) -> Session | None:
        """Parse the claims, which another version of the server may have sealed."""
        if claims is None or claims.get("epoch") != self._epoch:
            return None
        try:
            return Session(
                subject=str(claims["sub"]),
                groups=frozenset(map(str, claims["groups"])),
                method=LoginMethod(claims["method"]),
                id=str(claims["sid"]),
                started=float(claims["iat"]),
                renewed=float(claims["renewed"]),
            )
        except (KeyError, TypeError, ValueError):
            return None
