"""What a way to log in gives: a person and their groups."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from app.auth.sessions import LoginMethod


class Person(NamedTuple):
    """Somebody who has shown who they are.

    Attributes:
        subject: user name.
        groups: names of their groups, as they count here.
    """

    subject: str
    groups: frozenset[str]


class Directory(Protocol):
    """Knows people by their passwords.

    Attributes:
        method: what its sessions say of how somebody logged in.
    """

    method: LoginMethod

    async def log_in(self, user: str, password: str) -> Person:
        """The person with this name and password, neither of which is empty.

        Raises:
            LoginFailed: `password`, there is no such person; or why their groups are not known.
            LoginUnavailable: the directory does not answer.
        """

    async def find(self, subject: str) -> Person | None:
        """A person by the `subject` that a login gave, with the groups of now; None where there is none any more.

        Raises:
            LoginFailed: why their groups are not known.
            LoginUnavailable: the directory does not answer.
        """

    async def aclose(self) -> None:
        """Close its connections."""
