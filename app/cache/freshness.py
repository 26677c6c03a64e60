"""How old is too old (RFC 9111 section 4.2, RFC 5861). Pure: the time is always an argument."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum


class Freshness(Enum):
    """How a stored value may be used."""

    FRESH = "fresh"
    """Use it."""
    STALE = "stale"
    """Use it at once, and refresh it in the background (stale-while-revalidate)."""
    FALLBACK = "fallback"
    """Refresh it first; use it only if that fails (stale-if-error)."""
    EXPIRED = "expired"
    """Never use it."""


@dataclass(frozen=True)
class Lifetimes:
    """How long values live, each counted in seconds from when they were read.

    Attributes:
        ttl: a value is fresh until then; 0 for never: each use reads it.
        grace: for so much longer it is used while it is being refreshed. Without a ttl it does not count.
        max_stale: until then it is used when it cannot be refreshed; at least `ttl` + `grace`.
        jitter: each key's ttl is shorter by up to this part of it, so that folders, and the same folder on
            different replicas, are not all refreshed at the same moment. Never longer: the ttl is a promise.
    """

    ttl: float
    grace: float
    max_stale: float
    jitter: float = 0.2

    @property
    def keep_nothing_fresh(self) -> bool:
        """Whether each use reads anew, and a value only stands in for what cannot be read."""
        return self.ttl == 0

    def ttl_of(self, key: str) -> float:
        """The ttl of one key: always the same for it, spread evenly over keys.

        Args:
            key: what the value is kept under, with the replica's name in it.
        """
        digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=4).digest()
        return self.ttl * (1 - self.jitter * int.from_bytes(digest) / 2**32)

    def classify(self, age: float, ttl: float) -> Freshness:
        """How a value of this age may be used.

        Args:
            age: seconds since it was read.
            ttl: of its key, as `ttl_of` gives it.
        """
        if age < ttl:
            return Freshness.FRESH
        if age < ttl + self.grace and not self.keep_nothing_fresh:
            return Freshness.STALE
        if age < self.max_stale:
            return Freshness.FALLBACK
        return Freshness.EXPIRED
