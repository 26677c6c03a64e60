"""Patterns for whole paths, as the site policy and tokens have them.

A path glob consists of segments. `*`, `?` and `[...]` match within one segment, `**` matches any number of
whole segments, none included. Matching is case-sensitive and counts whole segments: a glob that matches a
folder governs everything below it, so `hwpacks` covers `/hwpacks/a/b` and never `/hwpacks2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from app.domain.access import PathScope
from app.domain.paths import MAX_NAME_BYTES, MAX_PATH_BYTES, ArtifactPath, is_possible_name
from app.policy.name_patterns import NamePattern, is_wild

_ANY_DEPTH = "**"


class Specificity(NamedTuple):
    """How closely a glob describes what it matches. The larger of two is the more specific.

    Compared field by field, in this order. A glob is never less specific than another that matches the same paths
    and more, so that a wider rule never makes a narrower one ineffective: `a/**/*.img`
    beats `a/*`, which beats `a`. (A `[...]` counts like a `?`, whatever is in it.)

    Attributes:
        literal_segments: segments without a wildcard.
        wild_segments: segments with one (`a/*` says more than `a`).
        literal_characters: characters that are not wildcards (`*.img` says more than `*`).
        fewer_stars: the number of `*` within segments, negated (`?` says more than `*`).
        fewer_any_depth: the number of `**`, negated.
    """

    literal_segments: int
    wild_segments: int
    literal_characters: int
    fewer_stars: int
    fewer_any_depth: int


@dataclass(frozen=True)
class PathGlob:
    """A pattern for paths. Two globs are equal if their canonical spelling is.

    Attributes:
        text: canonical spelling, without outer slashes; empty for the whole tree.
    """

    text: str
    _parts: tuple[NamePattern | None, ...] = field(compare=False, repr=False)
    """One pattern per segment, None for `**`; the last is never None, as `a/**` says what `a` says."""

    @classmethod
    def parse(cls, text: str) -> PathGlob:
        """Parse a glob. A leading and a trailing slash may be left out; `/` and `**` mean the whole tree.

        Raises:
            ValueError: saying what is wrong with it.
        """
        if not text:
            raise ValueError("a path glob is not empty; '/' means the whole tree")
        if len(text) > MAX_PATH_BYTES:
            raise ValueError(f"a path glob has at most {MAX_PATH_BYTES} characters")
        segments: list[str] = []
        for segment in text.removeprefix("/").removesuffix("/").split("/") if text != "/" else ():
            _check_segment(segment)
            if segment != _ANY_DEPTH or segments[-1:] != [_ANY_DEPTH]:
                segments.append(segment)
        if segments[-1:] == [_ANY_DEPTH]:
            segments.pop()
        parts = (None if segment == _ANY_DEPTH else NamePattern.compile(segment) for segment in segments)
        return cls("/".join(segments), tuple(parts))

    @property
    def specificity(self) -> Specificity:
        """Sort key: where several globs match one path, the largest is the most specific."""
        named = [part for part in self._parts if part is not None]
        literal = sum(part.wild is None for part in named)
        return Specificity(
            literal_segments=literal,
            wild_segments=len(named) - literal,
            literal_characters=sum(map(_literal_characters, named)),
            fewer_stars=-sum(_without_sets(part.text).count("*") for part in named),
            fewer_any_depth=len(named) - len(self._parts),
        )

    def matches(self, path: ArtifactPath) -> bool:
        """Whether this glob matches the path or a folder above it."""
        states = self._start()
        for name in path.segments:
            if len(self._parts) in states or not states:
                break
            states = self._step(states, name)
        return len(self._parts) in states

    def child_pattern(self, folder: ArtifactPath) -> NamePattern | None:
        """The names in a folder that this glob matches. The glob must not match the folder itself.

        Returns:
            the pattern of those names, or None where the glob matches nothing directly in the folder.
        """
        states = self._start()
        for name in folder.segments:
            states = self._step(states, name)
        last = len(self._parts) - 1
        return self._parts[last] if last in states else None

    def _start(self) -> set[int]:
        return self._with_empty_any_depth([0])

    def _step(self, states: Iterable[int], name: str) -> set[int]:
        """Advance every possible position by one segment. They are a set, so the search is not exponential."""
        following = []
        for index in states:
            if index == len(self._parts):
                continue
            part = self._parts[index]
            if part is None:
                following.append(index)
            elif part.matches(name):
                following.append(index + 1)
        return self._with_empty_any_depth(following)

    def _with_empty_any_depth(self, states: Iterable[int]) -> set[int]:
        reached = set(states)
        reached.update(i + 1 for i in states if i < len(self._parts) and self._parts[i] is None)
        return reached


def scope_covers(scope: PathScope, path: ArtifactPath) -> bool:
    """Whether a token's groups count at a path.

    A scope without globs covers the whole tree. A glob that cannot be parsed covers nothing: this program did not
    issue such a token, and covering less is safe.
    """
    return not scope.globs or any(glob.matches(path) for glob in _scope_globs(scope.globs))


@lru_cache(maxsize=256)
def _scope_globs(texts: tuple[str, ...]) -> tuple[PathGlob, ...]:
    """Parse once per token, not once per entry of every listing."""
    globs = []
    for text in texts:
        try:
            globs.append(PathGlob.parse(text))
        except ValueError:
            continue
    return tuple(globs)


def _check_segment(segment: str) -> None:
    if not segment:
        raise ValueError("a path glob has no empty segment ('//')")
    if not is_possible_name(segment):
        raise ValueError(
            f"a path glob has no '.' or '..' segment, no control character, and no segment of more than {MAX_NAME_BYTES} bytes"
        )
    if _ANY_DEPTH in segment and segment != _ANY_DEPTH:
        raise ValueError(f"'**' stands for whole segments and is not part of one, as in {segment!r}")
    if "[" in _without_sets(segment):
        raise ValueError(f"a '[' in {segment!r} has no ']'; '[[]' stands for the character '['")


_SET = re.compile(r"\[!?+\]?+[^\]]*+\]")


def _without_sets(segment: str) -> str:
    return _SET.sub("", segment)


def _literal_characters(part: NamePattern) -> int:
    if part.wild is None:
        return len(part.text)
    return sum(not is_wild(character) for character in _without_sets(part.text))
