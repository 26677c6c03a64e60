"""Shell wildcards for one name: `*`, `?`, `[abc]`, `[!abc]` and `[a-z]`, with the meaning that `fnmatch` gives them.

All patterns of a file are matched in one pass over the name, without backtracking. Nothing is cached of names
or patterns from requests. `fnmatch` itself backtracks, and caches
the regular expressions of the last 32,768 patterns that clients sent.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

MAX_PATTERN_BYTES: Final = 255
"""Most bytes of a pattern from a request or a file: as many as a file name has (NAME_MAX)."""

_WILD: Final = frozenset("*?[")
_REMEMBERED_CHARACTERS: Final = 512
_Ranges = tuple[tuple[int, int], ...]
"""Code points that match, first and last, sorted and apart; none where nothing does."""
_ANY: Final[_Ranges] = ((0, sys.maxunicode),)


def is_wild(pattern: str) -> bool:
    """Whether a pattern holds a wildcard character, so that it may match more than its own text."""
    return not _WILD.isdisjoint(pattern)


class NamePatterns:
    """Patterns that are matched together. A name takes one step for each of its characters.

    The places between the elements of all patterns, behind each other, are the bits of a number. A bit is set when
    the name so far matches the pattern so far (Baeza-Yates and Gonnet, "A new approach to text searching", 1992).

    Args:
        patterns: each is matched against whole names. A `*` matches leading dots as well; case counts.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._ends: dict[int, int] = {}
        self._first = self._stay = place = 0
        changes: dict[int, int] = {0: 0}
        for index, pattern in enumerate(patterns):
            self._first |= 1 << place
            for part in _parts_of(pattern):
                if part is None:
                    self._stay |= 1 << place
                    continue
                for first, last in part:
                    changes[first] = changes.get(first, 0) ^ 1 << place
                    changes[last + 1] = changes.get(last + 1, 0) ^ 1 << place
                place += 1
            self._ends[1 << place] = index
            place += 1
        self._all_ends = sum(self._ends)
        self._undecided = ~(self._stay & self._all_ends)
        self._steps = _Steps(changes)

    def matching(self, name: str) -> tuple[int, ...]:
        """The indexes of the patterns that match a name, in order."""
        state, stay, undecided, steps = self._first, self._stay, self._undecided, self._steps
        for character in name:
            if not state & undecided:
                break  # what has matched so far does so whatever follows
            state = (state & steps[character]) << 1 | state & stay
        else:
            return self._at_end(state & self._all_ends)
        return self._at_end(state & self._all_ends & stay)

    def _at_end(self, state: int) -> tuple[int, ...]:
        found = []
        while state:
            lowest = state & -state
            found.append(self._ends[lowest])
            state ^= lowest
        return tuple(found)


class NamePattern(NamedTuple):
    """A pattern for one name.

    Attributes:
        text: the pattern as written.
        wild: what it matches; None where the name must equal `text`.
    """

    text: str
    wild: NamePatterns | None

    @classmethod
    def compile(cls, text: str) -> NamePattern:
        """Compile a pattern. Takes time linear in its length."""
        return cls(text, NamePatterns((text,)) if is_wild(text) else None)

    def matches(self, name: str) -> bool:
        """Whether the name is one that this pattern means."""
        return name == self.text if self.wild is None else bool(self.wild.matching(name))


class _Steps(dict[str, int]):
    """For each character, the places from which it leads on to the next.

    Characters between two neighbouring ends of ranges are alike. What was worked out is remembered for the first few
    hundred characters, as names could hold a million different ones.
    """

    def __init__(self, changes: dict[int, int]) -> None:
        super().__init__()
        self._starts = sorted(changes)
        self._places: list[int] = []
        places = 0
        for start in self._starts:
            places ^= changes[start]
            self._places.append(places)

    def __missing__(self, character: str) -> int:
        places = self._places[bisect_right(self._starts, ord(character)) - 1]
        if len(self) < _REMEMBERED_CHARACTERS:
            self[character] = places
        return places


def _parts_of(pattern: str) -> Iterator[_Ranges | None]:
    """The code points that match; None for a star."""
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*":
            yield None
        elif character == "?":
            yield _ANY
        elif character == "[" and (end := _end_of_set(pattern, place)) is not None:
            yield _set_ranges(pattern[place:end])
            place = end + 1
        else:
            yield ((ord(character), ord(character)),)


def _end_of_set(pattern: str, start: int) -> int | None:
    """Where the `]` is that ends a set; None where there is none, so that the `[` stands for itself."""
    first = start + pattern.startswith("!", start)
    end = pattern.find("]", first + 1)
    return end if end > first else None


def _set_ranges(text: str) -> _Ranges:
    """What is between the brackets of a set. A `-` at an end stands for itself; a range that runs back is empty."""
    is_negated = text.startswith("!")
    members = text[is_negated:]
    ranges: list[tuple[int, int]] = []
    place = 0
    while place < len(members):
        last = place + 2 if members[place + 1 : place + 2] == "-" and place + 2 < len(members) else place
        ranges.append((ord(members[place]), ord(members[last])))
        place = last + 1
    merged = _merged(ranges)
    return _others(merged) if is_negated else merged


def _merged(ranges: Sequence[tuple[int, int]]) -> _Ranges:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if last < first:
            continue
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _others(ranges: _Ranges) -> _Ranges:
    """All code points that are in none of some ranges."""
    edges = [(-1, -1), *ranges, (sys.maxunicode + 1, sys.maxunicode + 1)]
    gaps = ((before[1] + 1, after[0] - 1) for before, after in pairwise(edges))
    return tuple((first, last) for first, last in gaps if first <= last)
