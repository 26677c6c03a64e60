"""An issuer of tokens: where its endpoints are, and which keys it signs with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from app.auth.fetch import JsonFetcher, is_safe_url
from app.domain.errors import LoginUnavailable

DOCUMENT_SECONDS: Final = 3600.0
"""How long what an issuer says of itself is believed without asking again."""
MIN_KEY_SECONDS: Final = 10.0
"""How long its keys are not asked for again, whatever keys tokens name: anybody can make up a name."""

_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})


class Metadata(NamedTuple):
    """What an issuer says of itself (OpenID Connect Discovery 1.0 section 3), as far as it is used.

    Attributes:
        end_session_endpoint: empty where it has none.
        names_itself: whether its answers to logins always say who gave them (RFC 9207 section 3).
        takes_basic: whether a client may show its secret by HTTP Basic.
    """

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str
    names_itself: bool
    takes_basic: bool


class SigningKey(NamedTuple):
    """A public key.

    Attributes:
        kid: its name; None where it has none.
        alg: the only algorithm it is for; None where the issuer does not say.
    """

    kid: str | None
    alg: str | None
    key: Key


class Issuer:
    """Asks an issuer, and remembers what it said.

    Args:
        url: of the issuer, exactly as its tokens name it.
        fetcher: gets its documents.
        clock: seconds; never goes back.
    """

    def __init__(self, url: str, fetcher: JsonFetcher, clock: Callable[[], float]) -> None:
        self.url = url
        self._fetcher = fetcher
        self._clock = clock
        self._lock = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._metadata_read = 0.0
        self._keys: tuple[SigningKey, ...] = ()
        self._keys_read: float | None = None

    async def metadata(self) -> Metadata:
        """What it says of itself.

        Raises:
            LoginUnavailable: it does not answer, or says something that cannot be right.
        """
        async with self._lock:
            return await self._known_metadata()

    async def check(self) -> None:
        """Ask it anew, whatever is known.

        Raises:
            LoginUnavailable: it does not answer.
        """
        async with self._lock:
            await self._read_metadata()

    async def keys(self, kid: str | None) -> tuple[SigningKey, ...]:
        """The keys that a token may be signed with, that names the key `kid`, or none.

        A name that is not known has the keys asked for again: the issuer may have changed them.

        Raises:
            LoginUnavailable: the issuer does not answer.
        """
        async with self._lock:
            if self._keys_read is None or self._clock() - self._keys_read >= DOCUMENT_SECONDS:
                await self._read_keys()
            found = self._named(kid)
            if not found and self._clock() - (self._keys_read or 0.0) >= MIN_KEY_SECONDS:
                await self._read_keys()
                found = self._named(kid)
            return found

    def _named(self, kid: str | None) -> tuple[SigningKey, ...]:
        return tuple(key for key in self._keys if kid is None or key.kid == kid)

    async def _known_metadata(self) -> Metadata:
        if self._metadata is not None and self._clock() - self._metadata_read < DOCUMENT_SECONDS:
            return self._metadata
        return await self._read_metadata()

    async def _read_metadata(self) -> Metadata:
        where = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        self._metadata = _metadata(await self._fetcher.get(where), self.url)
        self._metadata_read = self._clock()
        return self._metadata

    async def _read_keys(self) -> None:
        document = await self._fetcher.get((await self._known_metadata()).jwks_uri)
        keys = document.get("keys")
        self._keys = tuple(
            key for item in (keys if isinstance(keys, list) else []) if (key := _signing_key(item))
        )
        self._keys_read = self._clock()


def _metadata(document: dict[str, Any], issuer: str) -> Metadata:
    # Section 4.3: it must be the very same, or another issuer's answers would pass for this one's.
    if document.get("issuer") != issuer:
        raise LoginUnavailable
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = {name: document.get(name) for name in (*needed, "userinfo_endpoint", "end_session_endpoint")}
    given = {name: url for name, url in urls.items() if isinstance(url, str) and is_safe_url(url)}
    if not all(name in given for name in needed):
        raise LoginUnavailable
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        **{name: given.get(name, "") for name in urls},
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def _signing_key(item: object) -> SigningKey | None:
    """A key that signatures can be verified with; None for any other, and for those this version cannot use.

    Secrets are among those: a public key never passes for one (RFC 8725 section 2.1).
    """
    if not isinstance(item, dict) or item.get("kty") not in _KEY_TYPES or item.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(item)
    except (JoseError, ValueError, TypeError):
        return None
    kid, alg = item.get("kid"), item.get("alg")
    return SigningKey(kid if isinstance(kid, str) else None, alg if isinstance(alg, str) else None, key)
