"""The ways to log in that this site has, and what renewing a session takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.auth.people import Directory, Person
from app.auth.sessions import Session, Sessions
from app.domain.errors import LoginFailed, LoginUnavailable

if TYPE_CHECKING:
    from app.auth.oidc.client import OidcClient


@dataclass(frozen=True)
class Login:
    """How people log in here.

    Attributes:
        sessions: of those who have.
        provider: to which people are sent; None where there is none.
        directory: knows passwords; None where there is none.
    """

    sessions: Sessions
    provider: OidcClient | None
    directory: Directory | None

    @property
    def is_possible(self) -> bool:
        """Whether anybody can log in at all."""
        return self.provider is not None or self.directory is not None

    async def log_in(self, user: str, password: str) -> Person:
        """The person with this name and password.

        Raises:
            LoginFailed: `password`, there is none; or why their groups are not known.
            LoginUnavailable: the directory does not answer.
        """
        # An empty password is for a bind that shows nothing (RFC 4513 section 5.1.2), and which succeeds.
        if self.directory is None or not user or not password:
            raise LoginFailed("password")
        return await self.directory.log_in(user, password)

    async def renew(self, session: Session, now: float) -> Session | None:
        """A session whose groups were asked for again, where that takes no browser.

        Where the directory does not answer, the session lives on with the groups it has.

        Args:
            now: seconds since the epoch, UTC.

        Returns:
            None where the person is not there any more, or this site has no such way to log in any more.

        Raises:
            LoginFailed: why the groups are not known.
        """
        directory = self.directory
        if directory is None or session.method is not directory.method:
            return None
        try:
            person = await directory.find(session.subject)
        except LoginUnavailable:
            return self.sessions.renew(session, session.groups, now)
        return None if person is None else self.sessions.renew(session, person.groups, now)

    async def aclose(self) -> None:
        """Close all connections."""
        if self.directory is not None:
            await self.directory.aclose()
