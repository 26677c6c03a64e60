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
from itertools import compress
from typing import Final, TypeVar

from app.domain.entries import Entry, File, Folder
from app.domain.made_entries import MadeEntries
from app.domain.order import NameKey, name_order, sorted_in_steps

_NO_TIME: Final = float("-inf")
"""Stands for a missing time. Unlike NaN it equals itself, as tables are compared."""
_HEX_DIGITS: Final = 32
_PACKED: Final = b"h"
_AS_IT_IS: Final = b"t"
_STAMPED: Final = b"s"
_CLASSED: Final = b"c"
"""Before the validator there is the file's stamp, or its storage class: a text that begins with its length."""
_LENGTH_BYTES: Final = 2

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
        builder = EntryTableBuilder()
        for entry in entries:
            builder.append(entry)
        return cls(builder)

    @property
    def bytes_held(self) -> int:
        """Bytes that it takes in memory."""
        return sum(map(sys.getsizeof, self.columns())) + sys.getsizeof(self)

    def folder_names(self) -> frozenset[str]:
        """Names of the sub-folders. No entry is made."""
        return frozenset(map(self._name, compress(range(len(self)), self._folders)))

    def with_part(self, part: str) -> Iterator[Entry]:
        """The entries that have `part` in their names, found without making the others.

        Args:
            part: not empty.
        """
        wanted, place = part.encode("utf-8", "surrogateescape"), -1
        while (place := self._names.find(wanted, place + 1)) >= 0:
            index = bisect_right(self._name_ends, place)
            # The first match in each name. A match across two names is none.
            if self._raw_name(index).find(wanted) == place - _start(self._name_ends, index):
                yield self._entry(index)

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
        raw_time = self._modified[index]
        modified = None if raw_time == _NO_TIME else raw_time
        if self._folders[index]:
            return Folder(self._name(index), modified)
        return File(self._name(index), self._sizes[index], modified, *_unpacked(self._raw_e_tag(index)))


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

    def append(self, entry: Entry) -> None:
        """Put an entry at the end."""
        if isinstance(entry, Folder):
            self.add_folder(entry.name, entry.modified)
        else:
            self.add_file(*entry)

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
        packed = b"" if e_tag is None else _packed(e_tag)
        if storage_class is not None:
            packed = _before(packed, _CLASSED, storage_class)
        if stamp is not None:
            packed = _before(packed, _STAMPED, stamp)
        self.add_raw(_raw(name), packed, size, _raw_time(modified), 0)

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


def _packed(e_tag: str) -> bytes:
    """Pack an MD5 in hexadecimal as its 16 bytes, with its suffix (`-12` for 12 parts); anything else as it is."""
    digits = e_tag[:_HEX_DIGITS]
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if len(digest) * 2 == _HEX_DIGITS and digest.hex() == digits:
        return _PACKED + digest + e_tag[_HEX_DIGITS:].encode("utf-8", "surrogateescape")
    return _AS_IT_IS + e_tag.encode("utf-8", "surrogateescape")


def _before(packed: bytes, mark: bytes, text: str) -> bytes:
    raw = _raw(text)
    return mark + len(raw).to_bytes(_LENGTH_BYTES) + raw + packed


def _unpacked(packed: bytes) -> tuple[str | None, str | None, str | None]:
    """The validator, the stamp and the storage class."""
    if packed[:1] not in (_STAMPED, _CLASSED):
        return _unpacked_e_tag(packed), None, None
    stamp, packed = _taken_off(packed, _STAMPED)
    storage_class, packed = _taken_off(packed, _CLASSED)
    return _unpacked_e_tag(packed), stamp, storage_class


def _taken_off(packed: bytes, mark: bytes) -> tuple[str | None, bytes]:
    """The text that is there with this mark, and what follows it."""
    if packed[:1] != mark:
        return None, packed
    begin = 1 + _LENGTH_BYTES
    end = begin + int.from_bytes(packed[1:begin])
    return packed[begin:end].decode("utf-8", "surrogateescape"), packed[end:]


def _unpacked_e_tag(packed: bytes) -> str | None:
    if not packed:
        return None
    if packed[:1] == _AS_IT_IS:
        return packed[1:].decode("utf-8", "surrogateescape")
    digest_end = 1 + _HEX_DIGITS // 2
    return packed[1:digest_end].hex() + packed[digest_end:].decode("utf-8", "surrogateescape")


def _is_equal(one: object, other: object) -> bool:
    return one == other
