"""Entries that were judged in parts: a part of files that were judged alike is not told one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import overload

from app.domain.access import VisibleEntry, VisibleFiles


class VisibleParts(Sequence[VisibleEntry]):
    """The entries of some parts, one after the other. A slice is a tuple.

    Attributes:
        parts: none of them empty.
    """

    __slots__ = ("_ends", "parts")

    def __init__(self, parts: Sequence[Sequence[VisibleEntry]]) -> None:
        self.parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> VisibleEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[VisibleEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> VisibleEntry | tuple[VisibleEntry, ...]:
        if isinstance(index, slice):
            return tuple(map(self.__getitem__, range(*index.indices(len(self)))))
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError("there are not so many entries")
        part = bisect_right(self._ends, place)
        return self.parts[part][place - (self._ends[part - 1] if part else 0)]

    def __iter__(self) -> Iterator[VisibleEntry]:
        return chain.from_iterable(self.parts)


def parts_of(entries: Sequence[VisibleEntry]) -> Sequence[Sequence[VisibleEntry]]:
    """The parts of some entries: those that they were judged in, or all together."""
    if isinstance(entries, VisibleParts):
        return entries.parts
    return (entries,) if entries else ()


def made_entries(entries: Sequence[VisibleEntry]) -> list[VisibleEntry]:
    """Those of some entries that are in memory one by one."""
    return [visible for part in parts_of(entries) if not isinstance(part, VisibleFiles) for visible in part]
