"""Two users with public passwords, to try out a site."""

from __future__ import annotations

from typing import Final

from app.auth.people import Person
from app.auth.sessions import LoginMethod
from app.domain.errors import LoginFailed

MEMBER: Final = "alice"
STRANGER: Final = "bob"


class DemoDirectory:
    """Knows `alice`, who is in groups, and `bob`, who is in none. The password is the name.

    Args:
        groups: of `alice`.
    """

    method = LoginMethod.DEMO

    def __init__(self, groups: frozenset[str]) -> None:
        self._groups = {MEMBER: groups, STRANGER: frozenset[str]()}

    async def log_in(self, user: str, password: str) -> Person:
        """See `Directory`."""
        person = await self.find(user)
        if person is None or password != user:
            raise LoginFailed("password")
        return person

    async def find(self, subject: str) -> Person | None:
        """See `Directory`."""
        groups = self._groups.get(subject)
        return None if groups is None else Person(subject, groups)

    async def aclose(self) -> None:
        """See `Directory`."""
