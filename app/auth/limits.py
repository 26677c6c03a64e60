"""Limits how often one client or user may make requests that cost the server, a directory or the storage much."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple
from unicodedata import normalize

from app.auth.networks import Address
from app.domain.errors import TooManyLogins, TooManyRequests

MAX_BUCKETS: Final = 20_000
"""Most clients and users that are counted, a few MiB. The least recently seen are dropped."""
MAX_NAME_LENGTH: Final = 256


class Rate(NamedTuple):
    """A token bucket.

    Attributes:
        burst: requests that are allowed at once.
        per_second: further requests each second.
    """

    burst: int
    per_second: float


class Limit(StrEnum):
    """What is counted."""

    LOGINS = "logins"
    """From one address."""
    LOGINS_OF_USER = "logins-of-user"
    """For one user name, from any address."""
    TOKENS = "tokens"
    """That one user makes."""
    LICENCES = "licences"
    LINKS = "links"
    WILDCARDS = "wildcards"
    MISSES = "misses"
    """Requests for paths that do not exist. Each costs a call to the storage, and guessing takes many."""


# A whole office may share an address, so its rates are far above what one person needs.
RATES: Final = {
    Limit.LOGINS: Rate(100, 2),
    Limit.LOGINS_OF_USER: Rate(20, 0.1),
    Limit.TOKENS: Rate(10, 1 / 60),
    Limit.LICENCES: Rate(100, 2),
    Limit.LINKS: Rate(100, 2),
    Limit.WILDCARDS: Rate(300, 10),
    Limit.MISSES: Rate(600, 20),
}


class Limits:
    """Counts in the memory of this process.

    Args:
        clock: seconds; never goes back.
        most: clients and users to remember.
    """

    def __init__(self, clock: Callable[[], float], most: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[tuple[Limit, str], tuple[float, float]] = OrderedDict()

    def allows(self, limit: Limit, who: str) -> bool:
        """Whether one more request is allowed. It is not counted."""
        return self._left(limit, who) >= 1

    def check(self, limit: Limit, who: str) -> None:
        """Check that one more request is allowed, without counting it.

        Raises:
            TooManyRequests: it is not.
        """
        if (left := self._left(limit, who)) < 1:
            raise TooManyRequests(math.ceil((1 - left) / RATES[limit].per_second))

    def take(self, limit: Limit, who: str) -> None:
        """Count a request.

        Raises:
            TooManyRequests: too many. It is not counted then, so that waiting for `Retry-After` is enough.
        """
        self.check(limit, who)
        self._buckets[limit, who[:MAX_NAME_LENGTH]] = (self._left(limit, who) - 1, self._clock())
        self._buckets.move_to_end((limit, who[:MAX_NAME_LENGTH]))
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)

    def count_login(self, client: Address | None, user: str = "") -> None:
        """Count an attempt to log in, whether it succeeds or not.

        Args:
            client: where it comes from; None if that is not known.
            user: the name that is given; empty if it is not known yet.

        Raises:
            TooManyLogins: as `take`.
        """
        try:
            self.take(Limit.LOGINS, client_key(client))
            if user:
                self.take(Limit.LOGINS_OF_USER, _as_compared(user))
        except TooManyRequests as error:
            raise TooManyLogins(error.seconds, user) from error

    def _left(self, limit: Limit, who: str) -> float:
        rate, now = RATES[limit], self._clock()
        left, counted = self._buckets.get((limit, who[:MAX_NAME_LENGTH]), (float(rate.burst), now))
        return min(rate.burst, left + (now - counted) * rate.per_second)


def _as_compared(user: str) -> str:
    """A user name in one spelling for all that a directory takes for the same (RFC 4518 section 2)."""
    return " ".join(normalize("NFKC", user).casefold().split())


def client_key(address: Address | None) -> str:
    """The client behind an address: itself, or its /64 for IPv6, which a single host may have (RFC 6177)."""
    if address is None:
        return ""
    return str(address) if address.version == 4 else address.exploded[:19]
