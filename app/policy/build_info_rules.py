"""What a BUILD-INFO.txt means for the files of its folder.

A pattern that is the exact name of a file beats all patterns with wildcards, wherever it stands. Otherwise every
block with a matching pattern counts, and the most protective wins: all their licences, in file order, and
every block's groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from app.domain.access import Licence, Source, licence_phrase
from app.policy.build_info import Block, BuildInfo
from app.policy.control_rules import ControlRules
from app.policy.name_patterns import NamePatterns, is_wild
from app.policy.terms import Basis, Terms, combine, describe_groups

_OWN_LISTING = ""
"""Stands for the folder itself: no file has this name, and `*` matches it like any other."""
_MOST_PATTERNS_SHOWN = 5
_COMBINATIONS_KEPT = 128
"""Sets of blocks whose terms are cached. The files of a folder need few of them."""


class _WildPattern(NamedTuple):
    text: str
    blocks: tuple[int, ...]
    terms: Terms


@dataclass(frozen=True)
class BuildInfoRules(ControlRules):
    """A BUILD-INFO.txt, prepared so that thousands of names can be judged quickly.

    Attributes:
        blocks: terms of each block, in file order.
        exact: terms by pattern, for names that are literally a pattern.
        wild: patterns with wildcards, each with the blocks that have it.
        listing: terms of the folder's own listing.
        uncovered: terms of a file that no pattern matches.
        matcher: finds which of `wild` match a name.
    """

    blocks: tuple[Terms, ...]
    exact: Mapping[str, Terms]
    wild: tuple[_WildPattern, ...]
    listing: Terms
    uncovered: Terms
    matcher: NamePatterns = field(compare=False, repr=False)
    _combined: dict[tuple[int, ...], Terms] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def compile(cls, info: BuildInfo, source: Source) -> BuildInfoRules:
        """Prepare a parsed file.

        Args:
            source: the file, without a line.
        """
        blocks = tuple(_block_terms(block, source) for block in info.blocks)
        having: dict[str, dict[int, None]] = {}
        for index, block in enumerate(info.blocks):
            for pattern in block.patterns:
                having.setdefault(pattern, {})[index] = None
        exact = {pattern: combine(blocks[i] for i in indexes) for pattern, indexes in having.items()}
        wild = tuple(
            _WildPattern(pattern, tuple(indexes), exact[pattern])
            for pattern, indexes in having.items()
            if is_wild(pattern)
        )
        uncovered = Terms(
            refusal="the access rules of this folder do not cover this file",
            basis=(Basis(source, "no Files-Pattern covers this file"),),
        )
        matcher = NamePatterns([pattern.text for pattern in wild])
        on_listing = having.get(_OWN_LISTING) or {
            index: None for place in matcher.matching(_OWN_LISTING) for index in wild[place].blocks
        }
        listing = combine(_listing_terms(info.blocks[index], blocks[index]) for index in sorted(on_listing))
        return cls(blocks, exact, wild, listing, uncovered, matcher)

    def for_file(self, name: str, /) -> Terms:
        return self._matching(name) or self.uncovered

    def for_listing(self) -> Terms:
        """The groups of the blocks for the empty pattern, which a trailing comma makes, or else for `*`."""
        return self.listing

    def overlapping_patterns(self, name: str, /) -> tuple[str, ...]:
        matching = () if name in self.exact else self._matching_wild(name)
        overlap = len({wild.blocks for wild in matching}) > 1
        return tuple(wild.text for wild in matching) if overlap else ()

    @property
    def tells_files_apart(self) -> bool:
        return self.exact.keys() - {_OWN_LISTING} != {"*"}

    @property
    def groups(self) -> frozenset[str]:
        conditions = (condition for terms in self.blocks for condition in terms.conditions)
        return frozenset().union(*conditions)

    def _matching(self, name: str) -> Terms | None:
        if terms := self.exact.get(name):
            return terms
        matching = self._matching_wild(name)
        if len(matching) < 2:
            return matching[0].terms if matching else None
        return self._terms_of(tuple(sorted({index for wild in matching for index in wild.blocks})))

    def _terms_of(self, indexes: tuple[int, ...]) -> Terms:
        if (known := self._combined.get(indexes)) is not None:
            return known
        terms = combine(self.blocks[index] for index in indexes)
        if len(self._combined) < _COMBINATIONS_KEPT:
            self._combined[indexes] = terms
        return terms

    def _matching_wild(self, name: str) -> tuple[_WildPattern, ...]:
        return tuple(self.wild[index] for index in self.matcher.matching(name))


def _block_terms(block: Block, source: Source) -> Terms:
    groups = frozenset(block.auth_groups)
    licences: tuple[Licence, ...] = ()
    refusal = None
    if block.licence_type == "open":
        said = "open"
    elif block.licence_text:
        licence = Licence(block.licence_text, block.theme or "licence")
        licences = (licence,)
        said = f"behind {licence_phrase(licence.name)} ({licence.digest})"
    elif groups:
        said = "without a licence"
    else:
        # Protected, or not declared open, but without a licence that could be accepted: it must not fall open.
        refusal = "the access rules of this folder name no licence for this file"
        said = "protected, but there is neither License-Text nor Auth-Groups"
    if groups:
        said += f", for {describe_groups(groups)}"
    where = source._replace(line=block.line)
    if block.fault:
        where = source._replace(line=block.fault.line)
        refusal = f"a rule of this folder cannot be understood ({where})"
        said = f"closed, as this line is malformed: {block.fault.reason}"
    shown = ", ".join(repr(pattern) for pattern in block.patterns[:_MOST_PATTERNS_SHOWN])
    more = ", ..." if len(block.patterns) > _MOST_PATTERNS_SHOWN else ""
    basis = Basis(where, f"Files-Pattern {shown}{more}: {said}")
    return Terms((groups,) if groups else (), licences, refusal, (basis,))


def _listing_terms(block: Block, terms: Terms) -> Terms:
    """The terms of a block for the listing. A licence, or the lack of one, never stands before a listing."""
    return replace(terms, licences=(), refusal=terms.refusal if block.fault else None)
