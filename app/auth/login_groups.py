"""Which groups of a provider or directory count here, and under which name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class _Renaming(NamedTuple):
    """The text before and after the star of both names; a name without a star has no `after`."""

    before: str
    after: str | None
    new_before: str
    new_after: str | None

    def apply(self, name: str) -> str | None:
        if self.after is None:
            return self.new_before if name == self.before else None
        is_long_enough = len(name) >= len(self.before) + len(self.after)
        if not (is_long_enough and name.startswith(self.before) and name.endswith(self.after)):
            return None
        middle = name[len(self.before) : len(name) - len(self.after)]
        return self.new_before if self.new_after is None else self.new_before + middle + self.new_after


class GroupNames:
    """Chooses and renames groups.

    Args:
        items: `NAME` or `THEIRS=OURS`, each with at most one `*`, which stands for any characters, the same in
            both. The last `=` counts, since some providers name groups by whole entries of a directory. `*` takes every
            group as it is, `*=corp-*` adds a prefix, `/*=*` removes a slash.

    Raises:
        ValueError: an item is not of that form.
    """

    def __init__(self, items: Iterable[str]) -> None:
        self._renamings = tuple(map(_parse, items))

    def choose(self, groups: Iterable[str]) -> frozenset[str]:
        """The names that count here. A group that several items match has several."""
        named = (renaming.apply(group) for group in groups for renaming in self._renamings)
        return frozenset(name for name in named if name)


def _parse(item: str) -> _Renaming:
    before, equals, after = item.rpartition("=")
    theirs, ours = (before, after) if equals else (item, item)
    if not theirs or not ours or theirs.count("*") > 1 or ours.count("*") > theirs.count("*"):
        raise ValueError(f"got {item!r}")
    before, star, after = theirs.partition("*")
    new_before, new_star, new_after = ours.partition("*")
    return _Renaming(before, after if star else None, new_before, new_after if new_star else None)
