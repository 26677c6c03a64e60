"""Signed values that clients carry, so that replicas share nothing but their secrets (RFC 7515, RFC 7519)."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn, cast

from app.auth import base64url
from app.domain.errors import AuthenticationFailed

MAX_TOKEN_BYTES = 8 * 1024
"""Longest token that is read: the length that common servers allow a header field."""

NOT_BEFORE_SKEW = 5
"""Seconds by which another replica's clock may be ahead when it issues a token."""

_ALGORITHM = "HS256"
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})


class Purpose(StrEnum):
    """What a token is for. Each purpose has keys of its own, so that no token ever passes for another."""

    ACCESS = "access"
    ACCEPTANCE = "acceptance"
    FORM = "form"
    SESSION = "session"
    LOGIN = "login"
    LINK = "link"


class Key(NamedTuple):
    """A secret as one purpose uses it.

    Attributes:
        kid: its name, which reveals nothing about it.
        key: 256 bits.
    """

    kid: str
    key: bytes


class KeyRing:
    """Signs with its first secret and verifies with all: add a new one in front, later drop the last.

    Args:
        secrets: at least one, none empty.
        site: name of the site that the keys are for; empty for a server of one site. What is signed for one site is worth
            nothing at another.

    Raises:
        ValueError: no secret, or an empty one.
    """

    def __init__(self, secrets: Sequence[str], site: str = "") -> None:
        if not secrets or not all(secrets):
            raise ValueError("at least one secret is needed, and none may be empty")
        self._keys = {
            purpose: tuple(_derive(secret, f"{purpose} {site}".rstrip()) for secret in secrets)
            for purpose in Purpose
        }

    def sign(self, purpose: Purpose, claims: Mapping[str, Any]) -> str:
        """Make a token.

        Args:
            purpose: what it may be used for.
            claims: JSON values; `exp`, seconds since the epoch, is required.

        Raises:
            ValueError: the token would be longer than `MAX_TOKEN_BYTES`.
        """
        kid, key = self.first(purpose)
        header = {"alg": _ALGORITHM, "kid": kid, "typ": "JWT"}
        signed = f"{_encoded(header)}.{_encoded(claims)}"
        token = f"{signed}.{_signature(signed, key)}"
        if len(token) > MAX_TOKEN_BYTES:
            raise ValueError(f"a token has at most {MAX_TOKEN_BYTES} bytes, this one has {len(token)}")
        return token

    def verify(self, purpose: Purpose, token: str, now: float | None) -> dict[str, Any]:
        """Check a token's signature and times, and return its claims.

        Args:
            purpose: what it is being used for.
            token: as the client sent it.
            now: seconds since the epoch, UTC; None if the times are not to be checked.

        Raises:
            AuthenticationFailed: with one of the codes `token-malformed`, `token-algorithm` (anything but
                HS256), `token-signature` (tampered with, for another purpose, or of an unknown key),
                `token-claims` (signed, and yet not of the right form), `token-expired` and
                `token-not-yet-valid`.
        """
        key = self.find(purpose, _header(token).get("kid"))
        signed, _, signature = token.rpartition(".")
        # Compared as text, so that a signature has exactly one spelling.
        if key is None or not hmac.compare_digest(signature, _signature(signed, key)):
            raise AuthenticationFailed("token-signature", _BAD_SIGNATURE)
        return _valid_claims(signed.partition(".")[2], now)

    def first(self, purpose: Purpose) -> Key:
        """The key that new values are made with."""
        return self._keys[purpose][0]

    def names(self) -> tuple[dict[str, str], ...]:
        """For each secret, what its keys are called by purpose; that reveals nothing of the secret."""
        kids = [[key.kid for key in self._keys[purpose]] for purpose in Purpose]
        return tuple(
            {purpose.value: kid for purpose, kid in zip(Purpose, of_one, strict=True)}
            for of_one in zip(*kids, strict=True)
        )

    def find(self, purpose: Purpose, kid: object) -> bytes | None:
        """The key of this name, if it is in use."""
        return next((key.key for key in self._keys[purpose] if key.kid == kid), None)


_BAD_SIGNATURE = "the token's signature is invalid: it was altered, or signed with a key not in use here"


def _derive(secret: str, use: str) -> Key:
    """HMAC as a pseudo-random function of the use (NIST SP 800-108). The name reveals nothing about the key."""
    derived = hmac.digest(secret.encode("utf-8", "surrogateescape"), f"pierhead {use}".encode(), "sha256")
    return Key(hashlib.sha256(derived).hexdigest()[:12], derived)


def _encoded(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return base64url.encode(text.encode())


def _signature(signed: str, key: bytes) -> str:
    """HMAC-SHA-256 of the first two parts of a token (RFC 7515 section 5.1, RFC 7518 section 3.2)."""
    return base64url.encode(hmac.digest(key, signed.encode("ascii"), "sha256"))


def _header(token: str) -> dict[str, str]:
    """The header of a token, which is not verified yet."""
    if len(token) > MAX_TOKEN_BYTES:
        _fail_malformed(f"a token has at most {MAX_TOKEN_BYTES} bytes")
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        _fail_malformed("a token must be three parts of base64url, separated by dots")
    try:
        header = json.loads(base64url.decode(parts[0]))
    except (ValueError, RecursionError) as exc:
        raise AuthenticationFailed("token-malformed", "the token's header is not base64url of JSON") from exc
    if not isinstance(header, dict):
        _fail_malformed("the token's header is not a JSON object")
    if header.get("alg") != _ALGORITHM:  # RFC 8725 section 3.1: never take the token's word for it
        raise AuthenticationFailed("token-algorithm", f"tokens are signed with {_ALGORITHM} here")
    if not header.keys() <= _HEADER_NAMES or not all(isinstance(value, str) for value in header.values()):
        _fail_malformed("the token's header has fields other than alg, kid and typ")
    return header


def _valid_claims(payload: str, now: float | None) -> dict[str, Any]:
    try:
        claims = json.loads(base64url.decode(payload))
    except (ValueError, RecursionError) as exc:
        raise AuthenticationFailed("token-claims", "the token's claims are not base64url of JSON") from exc
    if not isinstance(claims, dict):
        raise AuthenticationFailed("token-claims", "the token's claims are not a JSON object")
    if now is None:
        return claims
    if now >= numeric_date(claims, "exp"):  # RFC 7519 section 4.1.4: on or after
        raise AuthenticationFailed("token-expired", "the token has expired")
    if "nbf" in claims and now + NOT_BEFORE_SKEW < numeric_date(claims, "nbf"):  # section 4.1.5
        raise AuthenticationFailed("token-not-yet-valid", "the token is not valid yet")
    return claims


def numeric_date(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a NumericDate (RFC 7519 section 2): finite, for no time is after NaN.

    Raises:
        AuthenticationFailed: `token-claims`, it is missing, of another type or beyond all numbers of this machine.
    """
    value = claims.get(name)
    try:
        is_number = isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        is_number = False
    if isinstance(value, bool) or not is_number:
        raise AuthenticationFailed("token-claims", f"the token's claim {name} is not a time")
    return cast("float", value)


def _fail_malformed(reason: str) -> NoReturn:
    raise AuthenticationFailed("token-malformed", reason)
