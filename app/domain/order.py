"""In which order a folder shows its entries."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeVar

from app.domain.entries import Entry, File, Folder, LockedFile

SortKey = Literal["name", "version", "modified", "size"]
SORT_KEYS: Final[tuple[SortKey, ...]] = ("name", "version", "modified", "size")
Direction = Literal["asc", "desc"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("asc", "desc")

NameKey = tuple[int, int, bytes, bytes]
_Key = tuple[float, int, int, bytes, bytes]
_T = TypeVar("_T")
_Sortable = TypeVar("_Sortable", tuple[NameKey, int], tuple[_Key, int], tuple[bytes, int])

_END: Final = b"\x01"
"""Ends every key: a name comes before those that it is the beginning of, and behind its own pre-releases."""
_PRE_RELEASE: Final = b"\x00"
_STAGES: Final = {
    **dict.fromkeys((b"dev", b"snapshot", b"nightly"), b"\x01"),
    **dict.fromkeys((b"alpha", b"a"), b"\x02"),
    **dict.fromkeys((b"beta", b"b"), b"\x03"),
    **dict.fromkeys((b"milestone", b"m"), b"\x04"),
    **dict.fromkeys((b"pre", b"preview"), b"\x05"),
    **dict.fromkeys((b"rc", b"c"), b"\x06"),
}
"""Words for what comes before a release, with their order (as PEP 440 and Maven have it)."""
_WORDS: Final = rb"dev|snapshot|nightly|alpha|beta|milestone|preview|pre|rc|(?:[abcm](?=[0-9]))"
_DIGITS: Final = re.compile(rb"[0-9]+")
_STAGE: Final = rb"(?:[-._~+]?(?:" + _WORDS + rb")(?![a-z])[-._]?)?"
_NUMBER_AND_STAGE: Final = re.compile(rb"([0-9]+)[-._~+]?([a-z]+)")
_ENDINGS: Final = rb"(?<=.\.)[a-z~][a-z0-9~]*(?:\.[a-z~][a-z0-9~]*){0,3}\Z"
"""`.tar.gz`, which is no part of a version (GNU coreutils manual, "More details about version sort"). No name has more of
them, and without a limit a name of many dots would take long."""


def _finding(behind_digits: bytes) -> re.Pattern[bytes]:
    """A pattern for numbers and endings. It begins with what the first character may be, so that all others are passed quickly."""
    number = rb"(?<=[0-9])[0-9]*" + behind_digits
    return re.compile(rb"([0-9.](?:" + number + rb"|" + _ENDINGS + rb"))", re.DOTALL)


_IN_NAME: Final = _finding(b"")
_IN_VERSION: Final = _finding(_STAGE)
_V: Final = re.compile(rb"v(?=[0-9]+(?:[-._]|\Z))")
"""What says of a name that it is a version, but not which."""
_TIME: Final = rb"t[0-9]{2}(?:[-.:]?[0-9]{2}){0,2}(?:[.,][0-9]+)?(?:z|[-+][0-9]{2}:?[0-9]{2})?"
_VERSION: Final = re.compile(
    rb"v?[0-9]+(?:[-._][0-9]+)*"
    rb"(?:[-._~]?(?:" + _WORDS + rb")(?:[-._]?[0-9]+)*)?"
    rb"(?:[-._](?:final|ga|lts|release|stable)|[-._]?(?:post|rev|r)[-._]?[0-9]+)?"
    rb"(?:\+[0-9a-z.-]+)?"  # build metadata (Semantic Versioning 2.0.0, item 10)
    rb"|[0-9]{4}-?[0-9]{2}-?[0-9]{2}" + _TIME,  # ISO 8601
    re.IGNORECASE,
)
"""Names of folders that are numbers, versions, dates or times."""
_DIGITS_AS_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_REVERSED: Final = bytes(range(255, -1, -1))
_RUN: Final = 4096
"""Entries that are sorted in one step."""


class _Part(IntEnum):
    """The parts of a sorted listing. A direction turns round what is in a part, if its entries have a value."""

    FOLDERS = 0
    FOLDERS_WITHOUT_VALUE = 1
    FILES = 2
    FILES_WITHOUT_VALUE = 3


class Order(NamedTuple):
    """A requested order.

    Attributes:
        by: what decides. `name` ignores case and reads digits as numbers; `version` also puts pre-releases first.
        direction: folders come before files in either.
    """

    by: SortKey
    direction: Direction = "asc"


def listing_order(entry: Entry | LockedFile) -> NameKey:
    """Sort key of a listing without a requested order.

    Folders before files, and `latest` before all; then the folders that are named as a version or a date, newest
    first; then everything by version.
    """
    return name_order(entry.name, is_folder=isinstance(entry, Folder))


def name_order(name: str, *, is_folder: bool) -> NameKey:
    """`listing_order` of the entry of this name and kind."""
    kind = 0 if is_folder else 1
    raw = name.encode("utf-8", "surrogateescape")
    folded = raw.lower() if name.isascii() else _folded(name)
    if folded == b"latest" and name.isascii():
        return (kind, 0, b"", raw)
    key = _version_key(folded)
    if is_folder and _VERSION.fullmatch(raw):
        return (kind, 1, key.translate(_REVERSED), raw)
    return (kind, 2, key, raw)


def in_listing_order(entries: Sequence[Entry]) -> list[Entry]:
    """Entries in the order of `listing_order`."""
    names = [entry.name for entry in entries]
    joined = "\n".join(names)
    if {*map(type, entries)} != {File} or not _differ_in_digits_alone(joined, len(names)):
        return sorted(entries, key=listing_order)
    # Their numbers are as long as each other's, so that they are in order when their characters are.
    in_order = sorted(zip(joined.lower().split("\n"), names, range(len(names)), strict=True))
    return [entries[place] for _, _, place in in_order]


def _differ_in_digits_alone(lines: str, count: int) -> bool:
    """Whether so many names, each in a line, are of ASCII, and the same but for their case and the digits in the same places."""
    if not lines.isascii():
        return False
    shapes = lines.lower().encode("ascii").translate(_DIGITS_AS_ZERO).split(b"\n")
    return len(shapes) == count and len(set(shapes)) == 1


def version_key(name: str) -> bytes:
    """Sort key of a name by its version: `v1.2.0` before `1.10.0`, `1.2.0-rc1` before `1.2.0`. Case does not count."""
    return _version_key(_folded(name))


def natural_key(name: str) -> bytes:
    """Sort key of a name: digits are numbers, and case does not count."""
    return _weighed_key(_IN_NAME, _folded(name))


def _folded(name: str) -> bytes:
    return name.lower().encode("ascii") if name.isascii() else _raw(name.casefold())


def _version_key(folded: bytes) -> bytes:
    if folded[:1] == b"v" and _V.match(folded):
        folded = folded[1:]
    return _weighed_key(_IN_VERSION, folded)


def _weighed_key(pattern: re.Pattern[bytes], folded: bytes) -> bytes:
    # Not by `sub`, which would take as long for calling a function as for all else.
    pieces = pattern.split(folded)
    pieces[1::2] = map(_weighed, pieces[1::2])
    return b"".join(pieces) + _END


@lru_cache(128)  # a folder has few endings, and often the numbers of the one before
def _weighed(found: bytes) -> bytes:
    """A number behind its length, before the rank of a pre-release; or endings behind the end of the rest."""
    if found.isdigit():
        digits = found.lstrip(b"0")
        return b"0%b%b" % (len(digits).to_bytes(2), digits)
    if (match := _NUMBER_AND_STAGE.match(found)) is None:
        return _END + _DIGITS.sub(lambda digits: _weighed(digits[0]), found)
    return _weighed(match[1]) + _PRE_RELEASE + _STAGES[match[2]]


def sort_entries(items: Iterable[_T], order: Order, entry_of: Callable[[_T], Entry | LockedFile]) -> list[_T]:
    """Items in the requested order.

    Entries whose sort value a listing does not show (locked ones; most folders have no size) come behind the
    others of their kind, in the order of `listing_order`.

    Args:
        entry_of: gives the entry of an item.
    """
    parts: dict[int, list[tuple[_Key, int]]] = {part: [] for part in _Part}
    held = list(items)
    for index, item in enumerate(held):
        part, key = _place(entry_of(item), order)
        parts[part].append((key, index))
    found: list[_T] = []
    for part, keys in parts.items():
        indexes = [index for _, index in sorted_in_steps(keys)]
        found += map(held.__getitem__, reversed(indexes) if _is_reversed(part, order) else indexes)
    return found


def position_behind(
    items: Sequence[_T], place: Entry | LockedFile, order: Order, entry_of: Callable[[_T], Entry | LockedFile]
) -> int:
    """Index of the first of the sorted items that comes behind a place, which need not be among them."""

    def part_of(item: _T) -> int:
        return _place(entry_of(item), order)[0]

    def key_of(item: _T) -> _Key:
        return _place(entry_of(item), order)[1]

    part, key = _place(place, order)
    first, last = bisect_left(items, part, key=part_of), bisect_right(items, part, key=part_of)
    if _is_reversed(part, order):
        return bisect_left(items, True, first, last, key=lambda item: key_of(item) < key)
    return bisect_right(items, key, first, last, key=key_of)


def _place(entry: Entry | LockedFile, order: Order) -> tuple[int, _Key]:
    """In which part of a sorted listing an entry is, and its sort key there."""
    kind = _Part.FOLDERS if entry.is_folder else _Part.FILES
    value: float | None = 0
    if order.by == "modified":
        value = entry.modified
    elif order.by == "size":
        value = entry.size
    if value is None:
        return kind + 1, (0, *listing_order(entry))
    name = natural_key(entry.name) if order.by == "name" else version_key(entry.name)
    return kind, (value, 0, 0, name, _raw(entry.name))


def _is_reversed(part: int, order: Order) -> bool:
    return order.direction == "desc" and part in (_Part.FOLDERS, _Part.FILES)


def sorted_in_steps(keys: list[_Sortable]) -> list[_Sortable]:
    """Sorted, in steps of some milliseconds: within one call to `sorted`, no other thread gets a turn."""
    runs = [sorted(keys[start : start + _RUN]) for start in range(0, len(keys), _RUN)]
    while len(runs) > 1:
        # Two runs are merged in one pass, since that is what sorting does with what is in order already.
        runs = [sorted(chain(*runs[place : place + 2])) for place in range(0, len(runs), 2)]
    return runs[0] if runs else []


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
