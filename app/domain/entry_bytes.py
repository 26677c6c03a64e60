"""A table of entries as bytes, for another process on the same host."""

from __future__ import annotations

import struct
from array import array
from itertools import accumulate, pairwise
from typing import Final

from app.domain.entry_table import EntryTable, EntryTableBuilder

_LENGTHS: Final = struct.Struct("7Q")
"""Of the columns that follow, in bytes."""


def to_bytes(table: EntryTable) -> bytes:
    """All columns, one after the other. Numbers are as this processor has them."""
    columns = [column.tobytes() if isinstance(column, array) else column for column in table.columns()]
    return b"".join((_LENGTHS.pack(*map(len, columns)), *columns))


def from_bytes(content: bytes) -> EntryTable:
    """The table that `to_bytes` was given.

    Raises:
        ValueError: it is not whole.
    """
    if len(content) < _LENGTHS.size:
        raise ValueError("the lengths are missing")
    ends = list(accumulate(_LENGTHS.unpack_from(content), initial=_LENGTHS.size))
    if ends[-1] != len(content):
        raise ValueError(f"{ends[-1]} bytes are needed, but there are {len(content)}")
    columns = [content[begin:end] for begin, end in pairwise(ends)]
    builder = EntryTableBuilder()
    builder.names, builder.e_tags, builder.folders = map(bytearray, columns[:3])
    builder.sizes.frombytes(columns[3])
    builder.modified.frombytes(columns[4])
    builder.name_ends.frombytes(columns[5])
    builder.e_tag_ends.frombytes(columns[6])
    return builder.table()
