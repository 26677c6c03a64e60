"""The ways to log in at this site, and the renewal of sessions."""

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
        sessions: of the people who are logged in.
        provider: to which people are sent; None if there is none.
        directory: knows passwords; None if there is none.
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
            LoginFailed: `password` if there is none; otherwise why their groups are not known.
            LoginUnavailable: the directory does not answer.
        """
        # A bind with an empty password succeeds and proves nothing (RFC 4513 section 5.1.2).
        if self.directory is None or not user or not password:
            raise LoginFailed("password")
        return await self.directory.log_in(user, password)

    async def renew(self, session: Session, now: float) -> Session | None:
        """A session with refreshed groups, if that needs no browser.

        If the directory does not answer, the session keeps its groups.

        Args:
            now: seconds since the epoch, UTC.

        Returns:
            None if the person no longer exists, or this site no longer has this way to log in.

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
