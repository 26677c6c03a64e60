"""A value of a cache, as it is kept and as it is given out."""

from __future__ import annotations

import math
from typing import Generic, Literal, NamedTuple, TypeVar

Value = TypeVar("Value")

Outcome = Literal["fresh", "stale", "miss", "coalesced"]


class Cached(NamedTuple, Generic[Value]):
    """A value and how old it is.

    Attributes:
        age: seconds since it was read.
        is_stale: whether it has expired and is only used because a refresh is under way or has failed.
        outcome: where it came from, for the log: fresh or stale from memory, read for this call (miss), or by a
            load that another call had begun (coalesced).
        same_for: seconds for which it would be given in the same way from memory, if the cache does not change; 0 where that is
            not known.
    """

    value: Value
    age: float
    is_stale: bool
    outcome: Outcome = "fresh"
    same_for: float = 0.0


class Stored(NamedTuple, Generic[Value]):
    """A value as it is kept.

    Attributes:
        cost: bytes.
        read_at: when its load began.
        load: which load of this cache that was; -1 for that of another worker.
        ttl: seconds for which it is fresh.
        failed_at: when it could last not be read again.
        changed_at: when it was last invalidated.
    """

    value: Value
    cost: int
    read_at: float
    load: int
    ttl: float
    failed_at: float = -math.inf
    changed_at: float = -math.inf
