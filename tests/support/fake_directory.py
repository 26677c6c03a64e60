"""A directory of people that does as it is told."""

from __future__ import annotations

import asyncio

from app.auth.people import Person
from app.auth.sessions import LoginMethod
from app.domain.errors import LoginFailed, LoginUnavailable


class FakeDirectory:
    """Attributes:
    passwords: by user name.
    groups: of everybody.
    is_down: whether it answers nobody.
    times_asked: how often a password was tried.
    is_free: while it is cleared, an answer waits for it.
    """

    method = LoginMethod.DEMO

    def __init__(self) -> None:
        self.passwords = {"alice": "correct horse"}
        self.groups = frozenset({"staff"})
        self.is_down = False
        self.times_asked = 0
        self.is_free = asyncio.Event()
        self.is_free.set()

    async def log_in(self, user: str, password: str) -> Person:
        """See `Directory`."""
        self.times_asked += 1
        await self.is_free.wait()
        person = await self.find(user)
        if person is None or self.passwords[user] != password:
            raise LoginFailed("password")
        return person

    async def find(self, subject: str) -> Person | None:
        """See `Directory`."""
        if self.is_down:
            raise LoginUnavailable
        return Person(subject, self.groups) if subject in self.passwords else None

    async def aclose(self) -> None:
        """See `Directory`."""
