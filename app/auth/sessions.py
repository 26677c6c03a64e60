"""Who is logged in: a sealed cookie that any replica can read, and that no server keeps.

A session ends at a fixed time after its login, and earlier where nobody uses it. Its groups are those that the
identity provider or directory gave, and count for `refresh` seconds only: then they are asked for again. The
cookie is written at a login and whenever the groups are asked for, and by no other answer.
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
    """How somebody logged in, and so how their groups are asked for again."""

    OIDC = "oidc"
    LDAP = "ldap"
    DEMO = "demo"


@dataclass(frozen=True)
class Session:
    """One login.

    Attributes:
        subject: user name.
        groups: names of the groups it is a member of.
        method: how it logged in.
        id: unique name of the login, for logs and for taking it back.
        started: when it logged in, in seconds since the epoch, UTC.
        renewed: when its groups were last asked for, in seconds since the epoch, UTC.
    """

    subject: str
    groups: frozenset[str]
    method: LoginMethod
    id: str
    started: float
    renewed: float

    @property
    def is_new(self) -> bool:
        """Whether its groups are still those of the login itself."""
        return self.started == self.renewed


class SessionLives(NamedTuple):
    """How long sessions hold, in seconds.

    Attributes:
        whole: after a login, whatever happens.
        idle: after the groups were last asked for.
        refresh: for which groups count before they are asked for again; less than `idle`.
    """

    whole: int
    idle: int
    refresh: int


class Sessions:
    """Makes and reads sessions.

    Args:
        keys: seal them.
        lives: how long they hold.
        epoch: any number; a session of another one has ended.
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
        """A session that begins now; always a new one, so that nothing of an earlier one is carried over."""
        return Session(subject, groups, method, secrets.token_hex(8), now, now)

    def renew(self, session: Session, groups: frozenset[str], now: float) -> Session:
        """The same login with the groups that it has by now. It does not last longer for that."""
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
        """The session that a client carries; None where there is none, or one that has ended.

        An invalid one is not an error: browsers drop expired cookies, with the same effect.

        Args:
            cookies: every line of `Cookie`.
            now: seconds since the epoch, UTC.
            is_https: whether the client's connection is encrypted. Only the name that no other host, and no
                connection in the clear, can have set is looked at then.
            root_path: below which the site is asked for.

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
        """How long a session holds from now on, if its groups are not asked for again; not above 0: it has ended."""
        ends = min(session.started + self._lives.whole, session.renewed + self._lives.idle)
        return int(ends - now)

    def is_due(self, session: Session, now: float) -> bool:
        """Whether its groups have to be asked for again before they count."""
        return now >= session.renewed + self._lives.refresh

    def due_at(self, session: Session) -> float:
        """Until when a session that is not due stays as it is; seconds since the epoch, UTC."""
        return min(session.started + self._lives.whole, session.renewed + self._lives.refresh)

    def _read(self, cookies: Sequence[str], now: float, name: str) -> Session | None:
        for value in cookie_values(cookies, name):
            session = self._session(unseal(self._keys, Purpose.SESSION, value))
            if session is not None and self.seconds_left(session, now) > 0:
                return session
        return None

    def _session(self, claims: dict[str, Any] | None) -> Session | None:
        """What was sealed by this version of the server, or by another one."""
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
