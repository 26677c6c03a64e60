"""Encrypted values that clients carry and cannot read: sessions, and logins under way (RFC 7516)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from app.auth import base64url
from app.auth.keys import KeyRing, Purpose

MAX_SEALED_BYTES: Final = 4000
"""Longest sealed value. With its name and attributes, the cookie stays below the 4,096 bytes that every browser
keeps (RFC 6265 section 6.1)."""

_HEADER: Final = {"alg": "dir", "enc": "A256GCM", "zip": "DEF"}
_ALGORITHMS: Final = list(_HEADER.values())


def seal(keys: KeyRing, purpose: Purpose, claims: Mapping[str, Any]) -> str:
    """Encrypt a value with the first key.

    Args:
        claims: JSON values.

    Raises:
        ValueError: the result would be longer than `MAX_SEALED_BYTES`.
    """
    from app.auth.encryption import encrypt

    kid, key = keys.first(purpose)
    payload = json.dumps(claims, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    sealed = encrypt({**_HEADER, "kid": kid}, payload.encode("utf-8"), key, _ALGORITHMS)
    if len(sealed) > MAX_SEALED_BYTES:
        raise ValueError(f"a sealed value has at most {MAX_SEALED_BYTES} bytes, this one has {len(sealed)}")
    return sealed


def unseal(keys: KeyRing, purpose: Purpose, sealed: str) -> dict[str, Any] | None:
    """The sealed value; None if it was altered, or sealed for another purpose or with another key.

    The caller checks whether it is too old.
    """
    if len(sealed) > MAX_SEALED_BYTES or not sealed.isascii():
        return None
    key = keys.find(purpose, _kid_of(sealed))
    if key is None:
        return None
    from app.auth.encryption import decrypt

    try:
        # It is authenticated before it is parsed, so the result is what `seal` took.
        claims = json.loads(decrypt(sealed, key, _ALGORITHMS) or b"")
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _kid_of(sealed: str) -> object:
    """The name of the key that a value was sealed with; None if its header is not exactly ours (RFC 8725 section 3.1)."""
    try:
        header = json.loads(base64url.decode(sealed.partition(".")[0]))
    except (ValueError, RecursionError):
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if header == {**_HEADER, "kid": kid} else None
