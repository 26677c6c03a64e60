"""Reads the user and the groups from the claims of an identity provider. Every provider names them differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.domain.errors import LoginFailed

MAX_NAME_LENGTH: Final = 256


def claim_at(claims: Mapping[str, Any], name: str) -> object:
    """The value of a claim; None if there is none.

    Args:
        name: of the claim itself, which may have dots in it (`https://example.org/groups`), or the way to a nested
            one, with dots between (`realm_access.roles`).
    """
    if name in claims:
        return claims[name]
    head, dot, rest = name.partition(".")
    while dot:
        inner = claims.get(head)
        if isinstance(inner, Mapping) and (found := claim_at(inner, rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def user_of(claims: Mapping[str, Any], name: str) -> str:
    """The user's name.

    Raises:
        LoginFailed: `no-user`, the claim is not there.
    """
    value = claim_at(claims, name)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise LoginFailed("no-user")
    return value[:MAX_NAME_LENGTH]


def groups_of(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """The names of the user's groups; None where the claim is not there.

    Raises:
        LoginFailed: `groups-left-out`, the provider says that there are too many to name; `groups-form`, the claim
            is something other than text.
    """
    # A provider that has more groups than fit says where to ask for them instead (Entra: more than 200; OpenID
    # Connect Core 1.0 section 5.6.2). To go on without would take groups from their members by chance.
    sources = claims.get("_claim_names")
    heads = {name, *(name[:at] for at, character in enumerate(name) if character == ".")}
    is_elsewhere = isinstance(sources, Mapping) and not heads.isdisjoint(sources)
    if is_elsewhere or (name == "groups" and claims.get("hasgroups") in (True, "true")):
        raise LoginFailed("groups-left-out")
    value = claim_at(claims, name)
    if value is None:
        return None
    groups = [value] if isinstance(value, str) else value
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise LoginFailed("groups-form")
    return tuple(groups)
