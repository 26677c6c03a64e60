"""Files of a table that are behind one another, none of them made before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast, overload

from app.domain.entries import File

if TYPE_CHECKING:
    from app.domain.entry_table import EntryTable


class TableFiles(Sequence[File]):
    """Some of the files of a table. They are `FileColumns` too.

    Args:
        table: holds them.
        first: where they begin.
        last: where they end. There is no folder between.
    """

    __slots__ = ("_first", "_last", "_table")

    def __init__(self, table: EntryTable, first: int, last: int) -> None:
        self._table = table
        self._first = first
        self._last = last

    def names(self) -> Sequence[str]:
        """See `FileColumns.names`."""
        return self._table.names(self._first, self._last)

    def sizes(self) -> Sequence[int]:
        """See `FileColumns.sizes`."""
        return self._table.sizes(self._first, self._last)

    def times(self) -> Sequence[float | None]:
        """See `FileColumns.times`."""
        return self._table.times(self._first, self._last)

    def may_have_classes(self) -> bool:
        """See `FileColumns.may_have_classes`."""
        return self._table.may_have_classes(self._first, self._last)

    def __len__(self) -> int:
        return self._last - self._first

    @overload
    def __getitem__(self, index: int) -> File: ...
    @overload
    def __getitem__(self, index: slice) -> TableFiles | tuple[File, ...]: ...
    def __getitem__(self, index: int | slice) -> File | TableFiles | tuple[File, ...]:
        places = range(self._first, self._last)[index]
        if isinstance(places, int):
            return cast("File", self._table[places])
        if places.step == 1:
            return TableFiles(self._table, places.start, max(places.start, places.stop))
        return tuple(cast("File", self._table[place]) for place in places)

    def __iter__(self) -> Iterator[File]:
        return cast("Iterator[File]", self._table.between(self._first, self._last))
