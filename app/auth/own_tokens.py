"""Tokens that people make for themselves: never more than they may do themselves, and never for long."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from app.auth.keys import KeyRing
from app.auth.sessions import Session
from app.auth.tokens import TokenGrant, issue_token
from app.domain.errors import BadParameter

MIN_SECONDS = 60


class OwnTokens:
    """Makes tokens for people who are logged in.

    Args:
        keys: sign them.
        max_seconds: longest life; 0 where nobody may make one.
    """

    def __init__(self, keys: KeyRing, max_seconds: int) -> None:
        self._keys = keys
        self.max_seconds = max_seconds

    def grant(self, session: Session, groups: Collection[str], seconds: int, now: float) -> TokenGrant:
        """What a token would say.

        Args:
            session: of the user who gets it.
            groups: of the token.
            seconds: for how long.
            now: seconds since the epoch, UTC.

        Raises:
            BadParameter: a group that is not theirs, or none, or too long a life.
        """
        if not groups or not session.groups.issuperset(groups):
            mine = ", ".join(sorted(session.groups)) or "none that count here"
            raise BadParameter("groups", f"one or more of your own groups ({mine})")
        if not MIN_SECONDS <= seconds <= self.max_seconds:
            raise BadParameter("seconds", f"a whole number from {MIN_SECONDS} to {self.max_seconds}")
        return TokenGrant(
            subject=session.subject,
            groups=frozenset(groups),
            expires=int(now) + seconds,
            issued=int(now),
            id=uuid.uuid4().hex,
        )

    def issue(self, grant: TokenGrant) -> str:
        """The token itself.

        Raises:
            BadParameter: it has more groups than fit.
        """
        try:
            return issue_token(self._keys, grant)
        except ValueError as error:
            raise BadParameter("groups", f"fewer: {error}") from error
