"""Finds where to cut a large folder, so that its parts can be listed at the same time. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

from cachetools import LRUCache

PAGES_PER_RANGE: Final = 3
"""Shorter ranges are not worth it: the last page of each reaches into the next and is partly wasted."""
MOST_RANGES: Final = 24
MOST_PROBES: Final = 15
"""Most probes. Together with the page that is fetched meanwhile they take one round trip."""
MOST_FOLDERS: Final = 64

_HEXADECIMAL: Final = "abcdef"
_COARSE: Final = 4
"""Characters to try of an alphabet that does not occur in the page."""
_SHARE: Final = 2 / 3
"""Share of the remaining points for those that differ from the page at the same character."""


class KnownSplits:
    """Remembers how to cut the last `MOST_FOLDERS` folders.

    The names in a folder change slowly, so earlier cuts still divide it almost evenly. Only the speed depends on it.
    """

    def __init__(self) -> None:
        self._splits: LRUCache[str, Sequence[str]] = LRUCache(MOST_FOLDERS)

    def of(self, prefix: str) -> Sequence[str]:
        """The keys at which to cut, in byte order; none for an unknown folder."""
        return self._splits.get(prefix, ())

    def learn(self, prefix: str, page_ends: Sequence[str]) -> None:
        """Note how a folder was listed.

        Args:
            page_ends: the last key of each page, in byte order.
        """
        stride = max(PAGES_PER_RANGE, math.ceil(len(page_ends) / MOST_RANGES))
        self._splits[prefix] = tuple(page_ends[stride - 1 : -1 : stride])


def split_points(keys: Sequence[str], until: str | None, prefix: str) -> list[str]:
    """Guess from a page the keys that may divide the rest evenly.

    Where the names of a page differ at their fourth character, names go on by their third: `build-000` to
    `build-009` may be followed by `build-01`, `build-02` and so on. Whether these exist is not known. The longer the
    common beginning of a point and the page, the more likely it is, so these are preferred if there are too many.

    Args:
        keys: of one whole page, in byte order; at least two.
        until: end of the range; None for the end of the prefix.
        prefix: what all keys begin with.

    Returns:
        At most `MOST_PROBES` keys in byte order, each behind the last of the page and before `until`.
    """
    first, last = keys[0], keys[-1]
    differ_at = _alike(first, last)
    alike = max(len(prefix), _alike(last, until)) if until else len(prefix)
    seen = _alphabet({key[differ_at + 1] for key in keys if len(key) > differ_at + 1})
    size = max(2, len(seen))
    steps = max(1, _place(seen, last, differ_at) - _place(seen, first, differ_at))
    points: list[str] = []
    for place in range(min(differ_at, len(last) - 1), alike - 1, -1):
        pages_per_step = size ** (differ_at - place) / steps
        stride = max(1, math.ceil(PAGES_PER_RANGE / pages_per_step))
        after_last = (last[:place] + step for step in _following(last[place], seen)[stride - 1 :: stride])
        inside = [point for point in after_last if until is None or point < until]
        points += _thinned(inside, math.ceil((MOST_PROBES - len(points)) * _SHARE))
    return points


def _alike(one: str, other: str) -> int:
    """Length of the common beginning of two keys."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _alphabet(seen: set[str]) -> str:
    """The characters that may occur in place of these, in order."""
    letters = {character for character in seen if character in ascii_lowercase}
    is_hexadecimal = letters <= set(_HEXADECIMAL) and not seen.isdisjoint(digits)
    parts = [digits] if not seen.isdisjoint(digits) else []
    if not seen.isdisjoint(ascii_uppercase):
        parts.append(ascii_uppercase)
    if letters:
        parts.append(_HEXADECIMAL if is_hexadecimal else ascii_lowercase)
    return "".join(parts)


def _following(character: str, seen: str) -> list[str]:
    """Characters behind one, in order: all likely ones, or a few of the possible ones."""
    if character in seen:
        return [step for step in seen if step > character]
    for alphabet in (digits, ascii_uppercase, ascii_lowercase):
        if character in alphabet:
            rest = [step for step in alphabet if step > character]
            return rest[:: math.ceil(len(rest) / _COARSE)] if rest else []
    return [chr(ord(character) + 1)] if " " < character < "~" else []


def _thinned(points: Sequence[str], most: int) -> Sequence[str]:
    """At most this many of the points, evenly spread."""
    return points if len(points) <= most else [points[n * len(points) // most] for n in range(most)]


def _place(alphabet: str, key: str, place: int) -> int:
    """Index of a key's character in an alphabet; 0 if it is not in it."""
    return max(0, alphabet.find(key[place])) if place < len(key) else 0
