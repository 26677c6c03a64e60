"""Access tokens: issued by an operator, sent by scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.auth.keys import KeyRing, Purpose, numeric_date
from app.auth.networks import Address, Network, is_in, parse_networks
from app.domain.access import Permission
from app.domain.errors import AuthenticationFailed

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(f"([0-9]{{1,9}})([{''.join(_UNITS)}])")


@dataclass(frozen=True)
class TokenGrant:
    """The content of a token.

    Attributes:
        subject: user or robot name, not empty.
        groups: names of the user's groups.
        expires: seconds since the epoch, UTC, from which it is refused.
        issued: seconds since the epoch, UTC.
        id: unique name of the token itself, for logs.
        not_before: seconds since the epoch, UTC, before which it is refused; None for no such time.
        paths: path globs that the groups are limited to; empty for the whole tree.
        networks: where it may be used from; empty for anywhere.
        permissions: what it may do beside reading (see `app.domain.access.Permission`).
    """

    subject: str
    groups: frozenset[str]
    expires: float
    issued: float
    id: str
    not_before: float | None = None
    paths: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    permissions: frozenset[Permission] = frozenset()


def issue_token(keys: KeyRing, grant: TokenGrant) -> str:
    """Sign a grant (claim names of RFC 7519 section 4.1, RFC 8693 section 4.2 and RFC 9068 section 2.2.3.1).

    Raises:
        ValueError: no subject, or more of groups, paths and networks than a token can hold.
    """
    if not grant.subject:
        raise ValueError("a token needs a subject")
    claims = {
        "sub": grant.subject,
        "groups": sorted(grant.groups),
        "exp": grant.expires,
        "iat": grant.issued,
        "jti": grant.id,
        "paths": grant.paths,
        "networks": [str(network) for network in grant.networks],
        "scope": " ".join(sorted(grant.permissions)),
    }
    if grant.not_before is not None:
        claims["nbf"] = grant.not_before
    return keys.sign(Purpose.ACCESS, claims)


def verify_token(keys: KeyRing, text: str, *, client: Address | None, now: float) -> TokenGrant:
    """Check an access token and return its grant.

    Args:
        keys: verify it.
        text: as the client sent it.
        client: where the request comes from; None if that is not known.
        now: seconds since the epoch, UTC.

    Raises:
        AuthenticationFailed: with a code of `KeyRing.verify`, or `token-network` where the token may not be
            used from this client's address.
    """
    grant = _grant(keys.verify(Purpose.ACCESS, text, now))
    if grant.networks and not is_in(client, grant.networks):
        raise AuthenticationFailed("token-network", "the token may not be used from this address")
    return grant


def read_token(keys: KeyRing, text: str) -> TokenGrant:
    """The content of a token, even if it has expired.

    Raises:
        AuthenticationFailed: with a code of `KeyRing.verify` that has nothing to do with times.
    """
    return _grant(keys.verify(Purpose.ACCESS, text, now=None))


def parse_duration(text: str) -> int:
    """Read a duration such as `30d`: a positive whole number of s, m, h, d or w.

    Returns:
        Seconds.

    Raises:
        ValueError: says what is allowed.
    """
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not seconds:
        raise ValueError(
            "must be a positive whole number followed by s, m, h, d or w (30d, 12h, 90m, 45s, 2w), "
            f"but got {text!r}"
        )
    return seconds


def _grant(claims: Mapping[str, Any]) -> TokenGrant:
    subject, token_id = claims.get("sub"), claims.get("jti")
    if not isinstance(subject, str) or not subject or not isinstance(token_id, str):
        raise AuthenticationFailed("token-claims", "the token's claims sub and jti are not text")
    try:
        networks = parse_networks(_texts(claims, "networks"))
    except ValueError as exc:
        raise AuthenticationFailed(
            "token-claims", "the token's claim networks is not a list of networks"
        ) from exc
    return TokenGrant(
        subject=subject,
        groups=frozenset(_texts(claims, "groups")),
        expires=numeric_date(claims, "exp"),
        issued=numeric_date(claims, "iat"),
        id=token_id,
        not_before=numeric_date(claims, "nbf") if "nbf" in claims else None,
        paths=_texts(claims, "paths"),
        networks=networks,
        permissions=_permissions(claims),
    )


def _permissions(claims: Mapping[str, Any]) -> frozenset[Permission]:
    """The permissions of a token; none without the claim. Unknown words are ignored."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise AuthenticationFailed("token-claims", "the token's claim scope is not text")
    return frozenset(permission for permission in Permission if permission in scope.split())


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A claim that is a list of text. A missing one is an error too: without its limits, a token would
    open more than its issuer meant."""
    value = claims.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise AuthenticationFailed("token-claims", f"the token's claim {name} is not a list of text")
    return tuple(value)
