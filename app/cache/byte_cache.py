"""A least-recently-used cache, bounded by the memory that its values take."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, TypeVar

from cachetools import LRUCache

ENTRY_OVERHEAD = 600
"""Bytes that one cached value costs in addition: its key, the slots of three dictionaries, its record.
Measured by filling caches with a million small values."""


Kind = TypeVar("Kind")


class _Held(NamedTuple):
    value: Any
    cost: int


class ByteCache:
    """Values of any kind under keys of any kind. The least recently used is dropped first.

    Attributes:
        changes: how often a value was kept or dropped. As long as it is the same, so is every value.

    Args:
        max_bytes: what all values together may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self._held: LRUCache[Hashable, _Held] = LRUCache(max_bytes, getsizeof=_cost)
        self.changes = 0

    @property
    def bytes_held(self) -> int:
        """What the values take now."""
        return int(self._held.currsize)

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Any | None:
        """The value under a key, now the most recently used; or None."""
        try:
            held: _Held = self._held[key]  # its own `get` would look twice
        except KeyError:
            return None
        return held.value

    def put(self, key: Hashable, value: Any, cost: int) -> bool:
        """Keep a value, and drop the least recently used ones to make room.

        Args:
            cost: bytes that it takes, with everything that only it refers to.

        Returns:
            False if the value is larger than the whole cache: it is not kept.
        """
        self.changes += 1
        try:
            self._held[key] = _Held(value, cost + ENTRY_OVERHEAD)
        except ValueError:
            self._held.pop(key, None)
            return False
        return True

    def of_kind(self, kind: type[Kind]) -> list[tuple[Any, Kind, int]]:
        """All values of one type, each with its key and what it costs, as `put` takes them."""
        return [
            (key, held.value, held.cost - ENTRY_OVERHEAD)
            for key, held in list(self._held.items())
            if isinstance(held.value, kind)
        ]

    def drop(self, key: Hashable) -> None:
        """Forget a value, if it is there."""
        self.changes += 1
        self._held.pop(key, None)

    def clear(self) -> None:
        """Forget all values."""
        self.changes += 1
        self._held = LRUCache(self._held.maxsize, getsizeof=_cost)  # its own `clear` takes them one by one


def _cost(held: _Held) -> int:
    return held.cost
