"""The properties of a principal that a listing depends on."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.access import Principal
from app.policy.rules import Rules


class Tier(NamedTuple):
    """Two principals of one tier see the same entries in a folder: fit for a cache's key.

    Accepted licences do not change a listing, so they are no part of it. A named tuple, because its hash is
    computed several times for every page that is looked up.

    Attributes:
        trusted: the request is from a trusted network, so that nothing else counts.
        groups: the principal's groups that the folder's rules name.
        scope: path globs within which the groups count; empty for everywhere, or if no group counts.
    """

    trusted: bool = False
    groups: frozenset[str] = frozenset()
    scope: tuple[str, ...] = ()


PUBLIC = Tier()
TRUSTED = Tier(trusted=True)


def tier_of(principal: Principal, rules: Rules) -> Tier:
    """The tier of a principal in the folder that the rules govern."""
    if principal.trusted:
        return TRUSTED
    if not principal.groups:
        return PUBLIC
    groups = principal.groups & rules.groups
    return Tier(groups=groups, scope=principal.scope.globs if groups else ())
