"""The entries of a folder, packed: a folder of 100,000 files is only a few objects.

A tuple of named tuples takes about 310 bytes for a file with a name of 20 characters, and is half a million objects
that the garbage collector visits. Packed, the same file takes 62 bytes: its name, 17 for a validator that is an
MD5 in hexadecimal, and 25 for the offsets of these two, its size, its time and its kind.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, chain, compress, islice
from typing import Final, TypeVar

from app.domain.entries import Entry, File, Folder
from app.domain.made_entries import MadeEntries
from app.domain.order import NameKey, name_order, sorted_in_steps
from app.domain.packed_validators import CLASSED, packed, packed_all, unpacked

_NO_TIME: Final = float("-inf")
"""Stands for a missing time. Unlike NaN it equals itself, as tables are compared."""
_PART_ENTRIES: Final = 500
"""So many are packed at a time: freeing more at once would hold up every other thread."""

_Key = TypeVar("_Key", tuple[NameKey, int], tuple[bytes, int])


class EntryTable(MadeEntries):
    """Entries, packed.

    Equal to any sequence of equal entries in the same order.
    """

    __slots__ = ("_e_tag_ends", "_e_tags", "_folders", "_modified", "_name_ends", "_names", "_sizes")

    def __init__(self, columns: EntryTableBuilder) -> None:
        self._names = bytes(columns.names)
        self._name_ends = array("I", columns.name_ends)  # copied, to free spare room
        self._e_tags = bytes(columns.e_tags)
        self._e_tag_ends = array("I", columns.e_tag_ends)
        self._sizes = array("q", columns.sizes)
        self._modified = array("d", columns.modified)
        self._folders = bytes(columns.folders)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> EntryTable:
        """Pack entries. A table is returned as it is."""
        if isinstance(entries, EntryTable):
            return entries
        builder, left = EntryTableBuilder(), iter(entries)
        while part := tuple(islice(left, _PART_ENTRIES)):
            builder.extend(part)
        return cls(builder)

    @property
    def bytes_held(self) -> int:
        """Bytes that it takes in memory."""
        return sum(map(sys.getsizeof, self.columns())) + sys.getsizeof(self)

    def folder_names(self) -> frozenset[str]:
        """Names of the sub-folders. No entry is made."""
        return frozenset(map(self._name, compress(range(len(self)), self._folders)))

    def with_part(self, *parts: str) -> Iterator[Entry]:
        """The entries that have one of some parts in their names, found without making the others: for each part in turn.

        Args:
            parts: none of them empty.
        """
        return map(self._entry, self.places_with_part(*parts))

    def places_with_part(self, *parts: str) -> Iterator[int]:
        """Where these entries are. Args as `with_part`."""
        for wanted in [part.encode("utf-8", "surrogateescape") for part in parts]:
            place = -1
            while (place := self._names.find(wanted, place + 1)) >= 0:
                index = bisect_right(self._name_ends, place)
                # The first match in each name. A match across two names is none.
                if self._raw_name(index).find(wanted) == place - _start(self._name_ends, index):
                    yield index

    def may_have_part(self, parts: Iterable[str]) -> bool:
        """Whether a name may have one of some parts in it, which are in lower case: a quick look, whatever their own case."""
        names = self._names.lower()
        return any(part.encode("utf-8", "surrogateescape") in names for part in parts)

    def first_file(self) -> int:
        """Where the files begin that have no folder behind them: in listing order, all files."""
        return self._folders.rfind(1) + 1

    def names(self, first: int, last: int) -> list[str]:
        """Of the entries from `first` up to, but without, `last`."""
        return _texts(self._names, self._name_ends, first, last)

    def sizes(self, first: int, last: int) -> Sequence[int]:
        """Of the same, in bytes; 0 for a folder."""
        return self._sizes[first:last]

    def times(self, first: int, last: int) -> list[float | None]:
        """Of the same; None for no time."""
        return [None if time == _NO_TIME else time for time in self._modified[first:last]]

    def may_have_classes(self, first: int, last: int) -> bool:
        """Whether any of them may have a storage class."""
        return CLASSED in {piece[:1] for piece in _pieces(self._e_tags, self._e_tag_ends, first, last)}

    def named(self, is_meant: Callable[[str], bool]) -> Iterator[Entry]:
        """The entries of some names, in order. No others are made."""
        return (self._entry(index) for index in range(len(self)) if is_meant(self._name(index)))

    def in_listing_order(self) -> EntryTable:
        """The same entries in the order of listings (`listing_order`)."""
        return self._in_order(
            (name_order(self._name(index), is_folder=bool(is_folder)), index)
            for index, is_folder in enumerate(self._folders)
        )

    def in_walk_order(self) -> EntryTable:
        """The same entries in the order of walks (`walk_order`)."""
        return self._in_order(
            (self._raw_name(index) + (b"/" if is_folder else b""), index)
            for index, is_folder in enumerate(self._folders)
        )

    def _in_order(self, keys: Iterable[_Key]) -> EntryTable:
        order = [index for _, index in sorted_in_steps(list(keys))]
        if order == list(range(len(order))):
            return self
        columns = EntryTableBuilder()
        for index in order:
            columns.add_raw(
                self._raw_name(index),
                self._raw_e_tag(index),
                self._sizes[index],
                self._modified[index],
                self._folders[index],
            )
        return columns.table()

    def __len__(self) -> int:
        return len(self._sizes)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, EntryTable):
            return self.columns() == other.columns()
        if isinstance(other, Sequence) and not isinstance(other, str | bytes):
            return len(self) == len(other) and all(map(_is_equal, self, other))
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self._names, self._e_tags))

    def __repr__(self) -> str:
        return f"EntryTable.of({list(self)!r})"

    def columns(self) -> tuple[bytes | array[int] | array[float], ...]:
        """All columns, the most likely to differ first."""
        return (
            self._names,
            self._e_tags,
            self._folders,
            self._sizes,
            self._modified,
            self._name_ends,
            self._e_tag_ends,
        )

    def _raw_name(self, index: int) -> bytes:
        return self._names[_start(self._name_ends, index) : self._name_ends[index]]

    def _raw_e_tag(self, index: int) -> bytes:
        return self._e_tags[_start(self._e_tag_ends, index) : self._e_tag_ends[index]]

    def _name(self, index: int) -> str:
        return self._raw_name(index).decode("utf-8", "surrogateescape")

    def _entry(self, index: int) -> Entry:
        modified = None if self._modified[index] == _NO_TIME else self._modified[index]
        if self._folders[index]:
            return Folder(self._name(index), modified)
        return File(self._name(index), self._sizes[index], modified, *unpacked(self._raw_e_tag(index)))

    def _entries(self, first: int, last: int) -> list[Entry]:
        columns = (
            self.names(first, last),
            self.sizes(first, last),
            self.times(first, last),
            *zip(*map(unpacked, _pieces(self._e_tags, self._e_tag_ends, first, last)), strict=True),
        )
        entries: list[Entry] = [*map(_as_file, zip(*columns, strict=True))]
        for index in compress(range(last - first), self._folders[first:last]):
            entries[index] = Folder(entries[index].name, entries[index].modified)
        return entries


class EntryTableBuilder:
    """Collects the columns of a table.

    Attributes:
        names: all names, joined.
        name_ends: the end of each name in `names`.
        e_tags: all validators, packed and joined.
        e_tag_ends: the end of each validator in `e_tags`.
        sizes: bytes; 0 for folders.
        modified: seconds since the epoch, or `_NO_TIME`.
        folders: 1 for a folder, 0 for a file.
    """

    def __init__(self) -> None:
        self.names = bytearray()
        self.name_ends = array("I")
        self.e_tags = bytearray()
        self.e_tag_ends = array("I")
        self.sizes = array("q")
        self.modified = array("d")
        self.folders = bytearray()

    def __len__(self) -> int:
        return len(self.sizes)

    def extend(self, entries: Sequence[Entry]) -> None:
        """Put entries at the end. Column by column: entry by entry would take twice as long."""
        is_folder = [isinstance(entry, Folder) for entry in entries]
        validators = iter(packed_all([entry for entry in entries if isinstance(entry, File)]))
        names = [entry.name.encode("utf-8", "surrogateescape") for entry in entries]
        e_tags = [b"" if folder else next(validators) for folder in is_folder]
        self.name_ends.extend(islice(accumulate(map(len, names), initial=len(self.names)), 1, None))
        self.names += b"".join(names)
        self.e_tag_ends.extend(islice(accumulate(map(len, e_tags), initial=len(self.e_tags)), 1, None))
        self.e_tags += b"".join(e_tags)
        self.sizes.extend([0 if isinstance(entry, Folder) else entry.size for entry in entries])
        self.modified.extend([_NO_TIME if entry.modified is None else entry.modified for entry in entries])
        self.folders += bytes(is_folder)

    def add_folder(self, name: str, modified: float | None = None) -> None:
        """Put a folder at the end."""
        self.add_raw(_raw(name), b"", 0, _raw_time(modified), 1)

    def add_file(
        self,
        name: str,
        size: int,
        modified: float | None,
        e_tag: str | None,
        stamp: str | None = None,
        storage_class: str | None = None,
    ) -> None:
        """Put a file at the end."""
        self.add_raw(_raw(name), packed(e_tag, stamp, storage_class), size, _raw_time(modified), 0)

    def add_raw(self, name: bytes, e_tag: bytes, size: int, modified: float, is_folder: int) -> None:
        """Put an entry at the end, as values of columns."""
        self.names += name
        self.name_ends.append(len(self.names))
        self.e_tags += e_tag
        self.e_tag_ends.append(len(self.e_tags))
        self.sizes.append(size)
        self.modified.append(modified)
        self.folders.append(is_folder)

    def table(self) -> EntryTable:
        """The finished table."""
        return EntryTable(self)


def _start(ends: array[int], index: int) -> int:
    return ends[index - 1] if index else 0


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _raw_time(modified: float | None) -> float:
    return _NO_TIME if modified is None else modified


def _pieces(column: bytes, ends: array[int], first: int, last: int) -> list[bytes]:
    """Some values of a column of bytes."""
    behind = ends[first:last]
    return [
        column[start:end] for start, end in zip(chain((_start(ends, first),), behind), behind, strict=False)
    ]


def _texts(column: bytes, ends: array[int], first: int, last: int) -> list[str]:
    """The same as texts."""
    return [piece.decode("utf-8", "surrogateescape") for piece in _pieces(column, ends, first, last)]


_as_file: Callable[[Iterable[object]], File] = partial(tuple.__new__, File)
"""What `File._make` does, without a call of Python."""


def _is_equal(one: object, other: object) -> bool:
    return one == other
