"""Sequences that hold no entries, but make each one on access."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, overload

from app.domain.entries import Entry

MADE_AT_ONCE: Final = 100
"""So many are made at a time: together they take less, and who looks at the first of many does not wait for them."""


class MadeEntries(Sequence[Entry]):
    """An immutable sequence that makes each entry on access. A slice is a tuple."""

    __slots__ = ()

    @abstractmethod
    def _entry(self, index: int) -> Entry:
        """Make an entry.

        Args:
            index: from 0 to the length.
        """

    def _entries(self, first: int, last: int) -> Iterable[Entry]:
        """Make the entries from `first` up to, but without, `last`: at least one."""
        return map(self._entry, range(first, last))

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step == 1 and first < last:
                return tuple(self._entries(first, last))
            return tuple(map(self._entry, range(first, last, step)))
        if not -len(self) <= index < len(self):
            raise IndexError("there are not so many entries")
        return self._entry(index % len(self))

    def __iter__(self) -> Iterator[Entry]:
        return self.between(0, len(self))

    def between(self, first: int, last: int) -> Iterator[Entry]:
        """The entries from `first` up to, but without, `last`. A few are made at a time."""
        for start in range(first, last, MADE_AT_ONCE):
            yield from self._entries(start, min(start + MADE_AT_ONCE, last))
