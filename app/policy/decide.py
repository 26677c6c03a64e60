"""Who may have what. The listing and the download of a folder ask the same `decide`.

Precedence, from the top:

1. A control file, or another file that is never served, is Hidden.
2. A trusted network passes everything else.
3. Groups, from the site policy first: Hidden, NeedsLogin or Forbidden for those who lack them, and have no link to
   this very file.
4. A refusal (malformed rules, a file that is not covered, a closed default): Forbidden, to members too.
5. Licences.

Within that order the site policy's rule and the folder's control files both apply; a rule with `override`
applies alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.access import (
    Access,
    Allow,
    Decision,
    Forbidden,
    Hidden,
    Licence,
    NeedsLicence,
    NeedsLogin,
    Principal,
    Source,
    Visibility,
    VisibleEntry,
)
from app.domain.entries import Entry, File, Folder, locked
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import is_hidden_name
from app.policy.globs import scope_covers
from app.policy.rules import (
    Hop,
    Rules,
    closed_rules,
    compose,
    rules_of_unlisted,
    rules_without_control_files,
)
from app.policy.site_policy import SiteRule
from app.policy.terms import Basis, Terms, combine, describe_groups

__all__ = [
    "Explanation",
    "Rules",
    "classify",
    "closed_rules",
    "compose",
    "decide",
    "explain",
    "rules_of_unlisted",
    "rules_without_control_files",
    "visible_entry",
]

_DEFAULT = Source("DEFAULT_TIER")
_DEFAULT_PUBLIC = Terms(basis=(Basis(_DEFAULT, "no rule governs this file, and the default is public"),))
_DEFAULT_CLOSED = Terms(
    refusal="no rule opens this file",
    basis=(Basis(_DEFAULT, "no rule governs this file, and the default is closed"),),
)


@dataclass(frozen=True)
class Explanation:
    """The reasons for a decision.

    Attributes:
        decision: what `decide` says.
        access: the path's tier.
        reasons: for operators, in the order in which they count.
        sources: files and lines of the rules that took part.
    """

    decision: Decision
    access: Access
    reasons: tuple[str, ...]
    sources: tuple[Source, ...]


def decide(path: ArtifactPath, rules: Rules, principal: Principal) -> Decision:
    """Whether a principal may have a path. Pure, and the only place where that is decided.

    Args:
        path: a file of the rules' folder; that folder itself, meaning its listing; or a sub-folder of it, of
            which only the site policy is known here (its own control files govern its own listing).
        rules: of the folder.

    Raises:
        ValueError: the path is none of these.
    """
    rule = _site_rule(path, rules)
    if _is_kept_back(path):
        return Hidden()
    return _judge(path, _terms(path, rule, rules), _visibility(rule, rules), principal)


def classify(path: ArtifactPath, rules: Rules) -> tuple[Access, tuple[Licence, ...]]:
    """The tier of a path, the same for everybody, and the licences that stand before it.

    A folder is PRIVATE, PUBLIC, or, if its rules are malformed, CLOSED.

    Raises:
        ValueError: as `decide`.
    """
    rule = _site_rule(path, rules)
    if _is_kept_back(path):
        return Access.CLOSED, ()
    return _classify(_terms(path, rule, rules))


def visible_entry(
    folder: ArtifactPath, entry: Entry, rules: Rules, principal: Principal
) -> VisibleEntry | None:
    """How a folder's listing shows one entry to a principal; None if it does not show the entry.

    Licences not yet accepted do not hide a file, nor does a refusal that holds for everybody. A link shows only to
    those who may know what is at every hop of its way: to others it is as one that leads nowhere.
    """
    hops = rules.links.get(entry.name, ()) if rules.links else ()
    if not all(_may_know(hop, principal) for hop in hops):
        return None
    return _shown(folder, entry, rules, principal)


def _may_know(hop: Hop, principal: Principal) -> bool:
    """Whether a principal may know what is at a hop: by its own rule, or by the listing of the folder it is in."""
    path, above = hop.path, hop.above
    if path.is_folder:
        is_opened = hop.own is not None and isinstance(decide(path, hop.own, principal), Allow)
    else:
        is_opened = isinstance(decide(path, above, principal), Allow | NeedsLicence)
    if is_opened or not path.segments:
        return is_opened
    if not isinstance(decide(above.folder, above, principal), Allow):
        return False
    entry = Folder(path.name) if path.is_folder else File(path.name, 0, 0.0)
    shown = _shown(above.folder, entry, above, principal)
    return shown is not None and not shown.locked


def _shown(folder: ArtifactPath, entry: Entry, rules: Rules, principal: Principal) -> VisibleEntry | None:
    """An entry by the rules of its own folder alone."""
    path = folder.child(entry.name, is_folder=entry.is_folder)
    rule = _site_rule(path, rules)
    if _is_kept_back(path):
        return None
    terms = _terms(path, rule, rules)
    visibility = _visibility(rule, rules)
    match _judge(path, terms, visibility, principal):
        case Allow() | NeedsLicence() | Forbidden(groups=()) as decision:
            access, licences = _classify(terms)
            return VisibleEntry(path, entry, access, licences, is_open=isinstance(decision, Allow))
        case NeedsLogin() | Forbidden() if visibility is Visibility.LISTED:
            # Only that it exists: strangers do not learn what else stands before it.
            return VisibleEntry(path, locked(entry), Access.PRIVATE, (), locked=True, is_open=False)
        case _:
            return None


def explain(path: ArtifactPath, rules: Rules, principal: Principal) -> Explanation:
    """Which rules decide about a path, from which file and line, and what they decide.

    Raises:
        ValueError: as `decide`.
    """
    rule = _site_rule(path, rules)
    decision = decide(path, rules, principal)
    access, _ = classify(path, rules)
    if _is_kept_back(path):
        reason = f"{path.name} is a control file: never listed and never served"
        return Explanation(decision, access, (reason,), ())
    terms = _terms(path, rule, rules)
    reasons = [*map(str, terms.basis), *_remarks(path, rule, terms, rules), *_about(path, terms, principal)]
    sources = tuple(dict.fromkeys(basis.source for basis in terms.basis))
    return Explanation(decision, access, tuple(reasons), sources)


def _is_kept_back(path: ArtifactPath) -> bool:
    return not path.is_folder and is_hidden_name(path.name)


def _is_own_listing(path: ArtifactPath, rules: Rules) -> bool:
    return path.is_folder and path.segments == rules.folder.segments


def _site_rule(path: ArtifactPath, rules: Rules) -> SiteRule | None:
    if _is_own_listing(path, rules):
        return rules.site.own
    if not path.segments or path.segments[:-1] != rules.folder.segments:
        raise ValueError(f"the rules of {rules.folder} do not say anything about {path}")
    return rules.site.rule_for_child(path.name)


def _visibility(rule: SiteRule | None, rules: Rules) -> Visibility:
    """What strangers learn: by the private rule for the path, else by the setting of the site."""
    return rule.visibility if rule and rule.groups else rules.site.private_entries


def _terms(path: ArtifactPath, rule: SiteRule | None, rules: Rules) -> Terms:
    if path.is_folder:
        return _folder_terms(path, rule, rules)
    if rule and rule.override:
        return rule.terms
    control = rules.control.for_file(path.name)
    if rule:
        return combine((rule.terms, control)) if control else rule.terms
    return control or (_DEFAULT_PUBLIC if rules.default_public else _DEFAULT_CLOSED)


def _folder_terms(path: ArtifactPath, rule: SiteRule | None, rules: Rules) -> Terms:
    parts = [rule.terms.gate] if rule else []
    if _is_own_listing(path, rules) and not (rule and rule.override):
        parts.append(rules.control.for_listing())
    return combine(parts)


def _judge(path: ArtifactPath, terms: Terms, visibility: Visibility, principal: Principal) -> Decision:
    if principal.trusted:
        return Allow()
    if terms.conditions and not _has_link(principal, path):
        member_of = principal.groups if scope_covers(principal.scope, path) else frozenset()
        for condition in terms.conditions:
            if condition.isdisjoint(member_of):
                return _deny_stranger(condition, visibility, principal)
    if terms.refusal is not None:
        return Forbidden((), terms.refusal)
    if open_licences := tuple(x for x in terms.licences if not x.is_accepted(principal.accepted)):
        return NeedsLicence(open_licences)
    return Allow()


def _has_link(principal: Principal, path: ArtifactPath) -> bool:
    return principal.link is not None and principal.link.path == path


def _deny_stranger(condition: frozenset[str], visibility: Visibility, principal: Principal) -> Decision:
    if visibility is Visibility.HIDDEN:
        return Hidden()
    if principal.is_anonymous:
        return NeedsLogin()
    if condition & principal.groups:
        return Forbidden(tuple(sorted(condition)), "this token's groups do not count at this path")
    return Forbidden(tuple(sorted(condition)), f"this path is for {describe_groups(condition)}")


def _classify(terms: Terms) -> tuple[Access, tuple[Licence, ...]]:
    if terms.refusal is not None:
        return Access.CLOSED, ()
    if terms.conditions:
        return Access.PRIVATE, terms.licences
    return (Access.EULA if terms.licences else Access.PUBLIC), terms.licences


def _remarks(path: ArtifactPath, rule: SiteRule | None, terms: Terms, rules: Rules) -> list[str]:
    """Remarks for operators, beside the rules that apply."""
    if _is_own_listing(path, rules):
        return [] if terms.conditions or terms.refusal else ["no rule protects this listing"]
    if path.is_folder:
        return ["only the site policy is known here; the folder's own control files are not read"]
    patterns = () if rule and rule.override else rules.control.overlapping_patterns(path.name)
    shown = ", ".join(map(repr, patterns))
    return [f"several patterns match this file ({shown}): all of their blocks count"] if patterns else []


def _about(path: ArtifactPath, terms: Terms, principal: Principal) -> list[str]:
    """The properties of the principal that made a difference."""
    if principal.trusted:
        return ["a trusted network skips groups, licences and refusals"]
    if terms.conditions and not scope_covers(principal.scope, path):
        return ["the token's paths do not cover this one, so its groups do not count"]
    return []
