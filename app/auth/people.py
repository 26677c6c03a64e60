"""The result of a login: a person and their groups."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from app.auth.sessions import LoginMethod


class Person(NamedTuple):
    """A person who has logged in.

    Attributes:
        subject: user name.
        groups: names of their groups, as they count here.
    """

    subject: str
    groups: frozenset[str]


class Directory(Protocol):
    """Knows people by their passwords.

    Attributes:
        method: of the sessions that it begins.
    """

    method: LoginMethod

    async def log_in(self, user: str, password: str) -> Person:
        """The person with this name and password. Neither may be empty.

        Raises:
            LoginFailed: `password` if there is no such person; otherwise why their groups are not known.
            LoginUnavailable: the directory does not answer.
        """

    async def find(self, subject: str) -> Person | None:
        """A person by the `subject` of a login, with the current groups; None if the person no longer exists.

        Raises:
            LoginFailed: why their groups are not known.
            LoginUnavailable: the directory does not answer.
        """

    async def aclose(self) -> None:
        """Close its connections."""
