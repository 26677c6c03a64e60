"""Names and passwords that scripts send with every request (RFC 7617), and that a directory knows.

No password is kept: what was found right is remembered by a keyed hash, whose key is this process's own.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import quote

from app.auth.people import Directory, Person
from app.auth.unchecked import CountLogin, Unchecked
from app.cache.single_flight import SingleFlight
from app.domain.errors import AuthenticationFailed, LoginFailed

REMEMBERED_SECONDS: Final = 60.0
"""How long the directory is not asked again, and so how long a password that was changed, or a group that was taken
away, goes on counting."""
MAX_REMEMBERED: Final = 4096
MAX_USER_LENGTH: Final = 256
MAX_PASSWORD_LENGTH: Final = 1024

_NOT_IN_IDS: Final = re.compile(r"[\s%]")


def password_id(user: str) -> str:
    """The id by which all passwords of a user are revoked. Ids have no spaces: those of a name are percent-encoded."""
    return "password:" + _NOT_IN_IDS.sub(lambda found: quote(found[0]), user)


class _Checked(NamedTuple):
    person: Person
    at: float


class Passwords:
    """Asks a directory about names and passwords, and remembers for a short while which were right.

    Wrong ones are not remembered: a user whose password is set anew may use it at once.

    Args:
        directory: knows them.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._key = secrets.token_bytes(32)
        self._checked: OrderedDict[bytes, _Checked] = OrderedDict()
        self._asking: SingleFlight[bytes, Person] = SingleFlight()

    def find(self, user: str, password: str, now: float) -> tuple[Person, float]:
        """Who has this name and password, and until when that counts.

        Args:
            now: seconds since the epoch, UTC.

        Raises:
            Unchecked: the directory must be asked first.
            AuthenticationFailed: `password`, nobody can have them.
        """
        # An empty password is for a bind that shows nothing (RFC 4513 section 5.1.2), and which succeeds.
        if not 0 < len(user) <= MAX_USER_LENGTH or not 0 < len(password) <= MAX_PASSWORD_LENGTH:
            raise _wrong(user)
        # A name has no colon, so that no other pair has the same text (RFC 7617 section 2).
        text = f"{user}:{password}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, text, "sha256")
        checked = self._checked.get(digest)
        if checked is None or not 0 <= now - checked.at < REMEMBERED_SECONDS:
            raise Unchecked(partial(self._ask, digest, user, password, now))
        self._checked.move_to_end(digest)
        return checked.person, checked.at + REMEMBERED_SECONDS

    async def _ask(self, digest: bytes, user: str, password: str, now: float, count: CountLogin) -> None:
        # A password that was right before is not a guess: guessers cannot use up the attempts of a running script.
        if digest not in self._checked and not self._asking.is_under_way(digest):
            count(user)
        try:
            person = await self._asking.join(digest, partial(self._directory.log_in, user, password))
        except LoginFailed as failure:
            self._checked.pop(digest, None)
            if failure.code == "password":
                raise _wrong(user) from failure
            raise
        self._checked[digest] = _Checked(person, now)
        self._checked.move_to_end(digest)
        if len(self._checked) > MAX_REMEMBERED:
            self._checked.popitem(last=False)


def _wrong(user: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        "password", "the user name or the password is wrong, and the password is not a token", user
    )
