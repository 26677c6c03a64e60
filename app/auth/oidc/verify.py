"""Tokens that an issuer signed (OpenID Connect Core 1.0 section 3.1.3.7, RFC 8725)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jws import JWSRegistry

from app.auth import base64url
from app.auth.fetch import MAX_DOCUMENT_BYTES
from app.auth.keys import numeric_date
from app.auth.oidc.issuer import Issuer, SigningKey
from app.domain.errors import AuthenticationFailed

MAX_TOKEN_BYTES: Final = MAX_DOCUMENT_BYTES
"""An ID token may be as long as the document that it comes in: some name thousands of groups."""
SKEW_SECONDS: Final = 60.0
"""Seconds by which the issuer's clock may differ from ours."""

_KEY_TYPE_OF: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""The accepted algorithms, each with its kind of key. None with a shared secret, and not `none`."""


class _Registry(JWSRegistry):
    """What the library takes: one algorithm, any fields in a header (RFC 7515 section 4: unknown ones are ignored), and any
    part as long as the whole token may be."""

    max_header_length = max_payload_length = max_signature_length = MAX_TOKEN_BYTES

    def __init__(self, alg: str) -> None:
        super().__init__(algorithms=[alg], strict_check_header=False)


class SignedToken(NamedTuple):
    """A token that is not verified yet: trust nothing in it.

    Attributes:
        alg: the algorithm it names; one that is believed here.
        kid: the key it names; None for none.
    """

    text: str
    alg: str
    kid: str | None

    def verify(self, keys: Iterable[SigningKey]) -> tuple[dict[str, Any], SigningKey]:
        """Its claims, and the key that it was signed with.

        Raises:
            AuthenticationFailed: `token-signature` or `token-claims`.
        """
        for key in keys:
            if key.key.key_type == _KEY_TYPE_OF[self.alg] and key.alg in (None, self.alg):
                with suppress(JoseError, ValueError):
                    return _claims(self._payload(key)), key
        return _fail("token-signature", "the token's signature does not match any key of the issuer")

    def _payload(self, key: SigningKey) -> bytes:
        with warnings.catch_warnings():
            # The library warns of the name EdDSA (RFC 9864), which issuers go on using.
            warnings.simplefilter("ignore", SecurityWarning)
            return jws.deserialize_compact(self.text, key.key, registry=_Registry(self.alg)).payload


async def verified_claims(issuer: Issuer, token: str, audience: str, now: float) -> dict[str, Any]:
    """Check a token's signature, issuer, audience and times, and return its claims.

    Args:
        audience: that it must name.
        now: seconds since the epoch, UTC.

    Raises:
        AuthenticationFailed: with one of the codes `token-malformed`, `token-algorithm`, `token-signature`,
            `token-claims`, `token-issuer`, `token-audience`, `token-expired` and `token-not-yet-valid`.
        LoginUnavailable: the issuer's keys cannot be fetched.
    """
    signed = read_signed(token)
    try:
        claims, _ = signed.verify(await issuer.keys(signed.kid))
    except AuthenticationFailed:
        # Another key may have taken the name of an old one, or keys may have no names.
        claims, _ = signed.verify(await issuer.newer_keys(signed.kid))
    check_claims(claims, issuer.url, audience, now)
    return claims


def read_signed(token: str) -> SignedToken:
    """A token by its header.

    Raises:
        AuthenticationFailed: `token-malformed` or `token-algorithm`.
    """
    header = _header(token)
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in _KEY_TYPE_OF:
        _fail("token-algorithm", "the token's signature algorithm is not accepted here")
    return SignedToken(token, alg, kid if isinstance(kid, str) else None)


def check_claims(claims: Mapping[str, Any], issuer: str, audience: str, now: float) -> None:
    """Check the issuer, audience and times of a token. Args and raises as `verified_claims`."""
    if claims.get("iss") != issuer:
        _fail("token-issuer", "the token is from another issuer")
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        _fail("token-audience", "the token was made for another site")
    if now >= numeric_date(claims, "exp") + SKEW_SECONDS:
        _fail("token-expired", "the token has expired")
    for name in ("nbf", "iat"):
        if name in claims and now + SKEW_SECONDS < numeric_date(claims, name):
            _fail("token-not-yet-valid", "the token is not valid yet")


def unverified_issuer(token: str) -> str | None:
    """The issuer that an unverified token names; None for anything that is not a token."""
    try:
        issuer = json.loads(base64url.decode(token.split(".")[1])).get("iss")
    except (IndexError, ValueError, RecursionError, AttributeError):
        return None
    return issuer if isinstance(issuer, str) else None


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_BYTES:
        _fail("token-malformed", f"a token has at most {MAX_TOKEN_BYTES} bytes")
    try:
        header = json.loads(base64url.decode(token.partition(".")[0]))
    except (ValueError, RecursionError) as error:
        raise AuthenticationFailed("token-malformed", "the token does not have three parts") from error
    if not isinstance(header, dict) or "crit" in header:
        _fail("token-malformed", "the token's header is not supported")
    # RFC 8725 section 3.11: what an issuer signs for another use, such as a logout, has a type of its own.
    if str(header.get("typ", "JWT")).lower().removeprefix("application/") != "jwt":
        _fail("token-malformed", "the token's header has a typ other than JWT")
    return header


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AuthenticationFailed("token-claims", "the token's claims are not JSON") from error
    if not isinstance(claims, dict):
        _fail("token-claims", "the token's claims are not a JSON object")
    return claims


def _fail(code: str, reason: str) -> NoReturn:
    raise AuthenticationFailed(code, reason)
