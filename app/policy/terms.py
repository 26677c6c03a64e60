"""The conditions of one path, before it is known who asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from app.domain.access import Licence, Source


class Basis(NamedTuple):
    """Why a term holds.

    Attributes:
        source: the file and line that say so.
        reason: what they say, for operators; it may quote group names.
    """

    source: Source
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class Terms:
    """Everything that a principal must fulfil to get a path.

    Attributes:
        conditions: sets of groups; of each set, membership of any one group is needed.
        licences: all must be accepted, and are shown in this order.
        refusal: why nobody may have it, as everybody may read it; None if somebody may.
        basis: which rules say so.
    """

    conditions: tuple[frozenset[str], ...] = ()
    licences: tuple[Licence, ...] = ()
    refusal: str | None = None
    basis: tuple[Basis, ...] = ()

    @property
    def gate(self) -> Terms:
        """The part that also stands before a listing: licences stand before files only."""
        return Terms(self.conditions, (), self.refusal, self.basis)


def combine(all_terms: Iterable[Terms]) -> Terms:
    """The terms that include all of the given terms.

    Conditions and licences keep their order. Duplicates are removed.
    """
    conditions: dict[frozenset[str], None] = {}
    licences: dict[str, Licence] = {}
    refusal = None
    basis: dict[Basis, None] = {}
    for terms in all_terms:
        conditions.update(dict.fromkeys(terms.conditions))
        for licence in terms.licences:
            licences.setdefault(licence.text, licence)
        refusal = refusal or terms.refusal
        basis.update(dict.fromkeys(terms.basis))
    return Terms(tuple(conditions), tuple(licences.values()), refusal, tuple(basis))


def describe_groups(groups: Iterable[str]) -> str:
    """`members of a`, `members of a, b or c`."""
    *others, last = sorted(groups)
    return f"members of {', '.join(others)} or {last}" if others else f"members of {last}"
