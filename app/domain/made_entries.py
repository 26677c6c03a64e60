"""Sequences that hold no entries, but make each one on access."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import overload

from app.domain.entries import Entry


class MadeEntries(Sequence[Entry]):
    """An immutable sequence that makes each entry on access. A slice is a tuple."""

    __slots__ = ()

    @abstractmethod
    def _entry(self, index: int) -> Entry:
        """Make an entry.

        Args:
            index: from 0 to the length.
        """

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(index, slice):
            return tuple(map(self._entry, range(*index.indices(len(self)))))
        if not -len(self) <= index < len(self):
            raise IndexError("there are not so many entries")
        return self._entry(index % len(self))

    def __iter__(self) -> Iterator[Entry]:
        return map(self._entry, range(len(self)))
