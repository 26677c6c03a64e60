"""The site policy: which rule governs a path, from the operator's side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from app.domain.access import Access, Licence, Source, Visibility, licence_phrase
from app.domain.licence_look import LicenceLook
from app.domain.paths import ArtifactPath
from app.policy.globs import PathGlob
from app.policy.name_patterns import NamePattern
from app.policy.serving import NO_SERVING_RULES, ServingRules
from app.policy.terms import Basis, Terms, describe_groups
from app.policy.workloads import WorkloadIssuer

_PROTECTION = {Access.PUBLIC: 0, Access.EULA: 1, Access.PRIVATE: 2}


@dataclass(frozen=True)
class SiteRule:
    """One rule of the site policy.

    Attributes:
        glob: the paths it is about.
        tier: PUBLIC, EULA or PRIVATE.
        source: where it stands.
        licence: must be accepted; set for EULA alone.
        groups: membership of any one is needed; set for PRIVATE alone.
        visibility: what those learn who lack the group; of effect for PRIVATE alone.
        override: whether it decides alone, whatever the folder's control files say.
    """

    glob: PathGlob
    tier: Access
    source: Source
    licence: Licence | None = None
    groups: tuple[str, ...] = ()
    visibility: Visibility = Visibility.UNLISTED
    override: bool = False

    @cached_property
    def terms(self) -> Terms:
        """What it demands for a file."""
        said = f"rule '/{self.glob.text}' says {self.tier}"
        if self.licence:
            said += f", behind {licence_phrase(self.licence.name)} ({self.licence.digest})"
        if self.groups:
            said += f", for {describe_groups(self.groups)}"
        if self.override:
            said += "; it overrides the folder's own files"
        return Terms(
            conditions=(frozenset(self.groups),) if self.groups else (),
            licences=(self.licence,) if self.licence else (),
            basis=(Basis(self.source, said),),
        )


@dataclass(frozen=True)
class SitePolicy:
    """All rules of a site. Of those that match a path, the first alone counts.

    Attributes:
        rules: kept sorted, most specific first; of equally specific ones the most protective, then the one
            that stands first in the file.
        private_entries: what strangers learn of private paths that no rule with its own word on it governs.
        serving: how what may be had is served.
        workload_issuers: whose tokens count beside our own.
        looks: of licences; one for each name.
    """

    rules: tuple[SiteRule, ...] = ()
    private_entries: Visibility = Visibility.UNLISTED
    serving: ServingRules = NO_SERVING_RULES
    workload_issuers: tuple[WorkloadIssuer, ...] = ()
    looks: tuple[LicenceLook, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(sorted(self.rules, key=_precedence)))

    def rule_for(self, path: ArtifactPath) -> SiteRule | None:
        """The rule that governs a path, or None."""
        return next((rule for rule in self.rules if rule.glob.matches(path)), None)

    def within(self, folder: ArtifactPath) -> FolderPolicy:
        """The part of the policy that matters to one folder and what is directly in it.

        Finds for each entry the rule that `rule_for` finds, at a price that does not grow with the policy.
        """
        by_name: dict[str, _Ranked] = {}
        wild: list[tuple[NamePattern, _Ranked]] = []
        for rank, rule in enumerate(self.rules):
            if rule.glob.matches(folder):
                # It matches everything in the folder too, so no later rule can count there.
                return FolderPolicy(rule, by_name, tuple(wild), self.private_entries)
            pattern = rule.glob.child_pattern(folder)
            if pattern is None:
                continue
            if pattern.wild is None:
                by_name.setdefault(pattern.text, _Ranked(rank, rule))
            else:
                wild.append((pattern, _Ranked(rank, rule)))
        return FolderPolicy(None, by_name, tuple(wild), self.private_entries)


class _Ranked(NamedTuple):
    rank: int
    rule: SiteRule


@dataclass(frozen=True)
class FolderPolicy:
    """A site policy as it bears on one folder.

    Attributes:
        own: the rule that governs the folder, and every entry that no other rule here matches.
        by_name: rules for entries of one name.
        wild: rules for entries that match a pattern, most specific first.
        private_entries: as in `SitePolicy`.
    """

    own: SiteRule | None = None
    by_name: Mapping[str, _Ranked] = field(default_factory=dict)
    wild: tuple[tuple[NamePattern, _Ranked], ...] = ()
    private_entries: Visibility = Visibility.UNLISTED

    def rule_for_child(self, name: str) -> SiteRule | None:
        """The rule that governs an entry of the folder, file or sub-folder."""
        best = self.by_name.get(name)
        for pattern, ranked in self.wild:
            if best is not None and best.rank < ranked.rank:
                break
            if pattern.matches(name):
                best = ranked
                break
        return best.rule if best else self.own

    @property
    def tells_entries_apart(self) -> bool:
        """Whether the rules that govern two entries of the folder can differ."""
        return bool(self.by_name or self.wild)

    @property
    def groups(self) -> frozenset[str]:
        """Every group that a rule for the folder or an entry of it names."""
        return frozenset(group for rule in self._rules for group in rule.groups)

    @property
    def decides_alone(self) -> bool:
        """Whether no control file of the folder can make a difference: every rule here overrides them."""
        return self.own is not None and all(rule.override for rule in self._rules)

    @property
    def _rules(self) -> Iterator[SiteRule]:
        yield from (ranked.rule for ranked in self.by_name.values())
        yield from (ranked.rule for _, ranked in self.wild)
        if self.own:
            yield self.own


def _precedence(rule: SiteRule) -> tuple[int, ...]:
    return (*(-n for n in rule.glob.specificity), -_PROTECTION[rule.tier], rule.source.line or 0)
