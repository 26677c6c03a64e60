"""An issuer of tokens: its endpoints and its keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from app.auth.fetch import JsonFetcher, unavailable
from app.cache.single_flight import SingleFlight
from app.domain.errors import LoginUnavailable
from app.domain.urls import is_safe_url

DOCUMENT_SECONDS: Final = 3600.0
"""How long what an issuer says of itself, its keys included, is believed without asking again."""
MIN_KEY_SECONDS: Final = 10.0
"""How long its keys are not asked for again, whatever keys tokens name, and whether it answered or not: anybody can
make up a name."""

_ENDPOINTS: Final = (
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "end_session_endpoint",
)
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})


class Metadata(NamedTuple):
    """The metadata of an issuer (OpenID Connect Discovery 1.0 section 3), as far as it is used.

    Attributes:
        authorization_endpoint, token_endpoint, userinfo_endpoint, end_session_endpoint: empty if it has none.
        names_itself: whether its answers to logins always name the issuer (RFC 9207 section 3).
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
        kid: its name; None if it has none.
        alg: the only algorithm it is for; None if the issuer does not say.
        thumbprint: the same for the same key, whenever it was read (RFC 7638).
    """

    kid: str | None
    alg: str | None
    key: Key
    thumbprint: str


class Issuer:
    """Gets the metadata and keys of an issuer, and caches them.

    Args:
        url: of the issuer, exactly as its tokens name it.
        fetcher: gets its documents.
        clock: seconds; never goes back.
    """

    def __init__(self, url: str, fetcher: JsonFetcher, clock: Callable[[], float]) -> None:
        self.url = url
        self._fetcher = fetcher
        self._clock = clock
        # Who asks at the same time shares one answer: behind an issuer that hangs, a queue would have no end.
        self._metadata_asked: SingleFlight[str, Metadata] = SingleFlight()
        self._keys_asked: SingleFlight[str, None] = SingleFlight()
        self._metadata: Metadata | None = None
        self._metadata_read = 0.0
        self._keys: tuple[SigningKey, ...] = ()
        self._keys_read = -math.inf
        self._keys_tried = -math.inf

    async def metadata(self) -> Metadata:
        """Its metadata.

        Raises:
            LoginUnavailable: it does not answer, or its metadata is invalid.
        """
        metadata = await self._known_metadata()
        # An issuer that nobody logs in at has no such endpoints.
        if not metadata.authorization_endpoint or not metadata.token_endpoint:
            raise unavailable(self.url, "it has no authorization_endpoint or token_endpoint with https")
        return metadata

    async def check(self) -> None:
        """Fetch its metadata again.

        Raises:
            LoginUnavailable: it does not answer.
        """
        await self._new_metadata()

    async def keys(self, kid: str | None) -> tuple[SigningKey, ...]:
        """The keys that a token may be signed with, that names the key `kid`, or none.

        An unknown name makes this fetch the keys again: the issuer may have changed them.

        Raises:
            LoginUnavailable: the issuer does not answer.
        """
        known = self.keys_at_hand(kid)
        if known is None:
            await self.refresh()
            known = self._named(kid)
        return known

    async def newer_keys(self, kid: str | None) -> tuple[SigningKey, ...]:
        """The same for a token that none of the known keys has signed: fetched again, unless that was a moment ago.

        Raises:
            LoginUnavailable: the issuer does not answer.
        """
        if self.may_be_asked:
            await self.refresh()
        return self._named(kid)

    def keys_at_hand(self, kid: str | None) -> tuple[SigningKey, ...] | None:
        """The same without a request; None if a request to the issuer is needed.

        Raises:
            LoginUnavailable: the issuer was asked a moment ago, and did not answer.
        """
        found = self._named(kid) if self._is_believed() else ()
        if found:
            return found
        if self.may_be_asked:
            return None
        if self._keys_tried > self._keys_read:
            raise LoginUnavailable
        return ()

    @property
    def may_be_asked(self) -> bool:
        """Whether its keys were not asked for a moment ago, so that other ones may be had."""
        return self._clock() - self._keys_tried >= MIN_KEY_SECONDS

    def publishes(self, thumbprint: str) -> bool:
        """Whether a key is one of the issuer's, as far as is known."""
        return self._is_believed() and any(key.thumbprint == thumbprint for key in self._keys)

    async def refresh(self) -> None:
        """Ask for the keys, whatever is known.

        Raises:
            LoginUnavailable: the issuer does not answer. What is known is believed for a while yet.
        """
        await self._keys_asked.join(self.url, self._read_keys)

    def _is_believed(self) -> bool:
        return self._clock() - self._keys_read < DOCUMENT_SECONDS

    def _named(self, kid: str | None) -> tuple[SigningKey, ...]:
        return tuple(key for key in self._keys if kid is None or key.kid == kid)

    async def _known_metadata(self) -> Metadata:
        if self._metadata is not None and self._clock() - self._metadata_read < DOCUMENT_SECONDS:
            return self._metadata
        return await self._new_metadata()

    async def _new_metadata(self) -> Metadata:
        return await self._metadata_asked.join(self.url, self._read_metadata)

    async def _read_metadata(self) -> Metadata:
        where = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        self._metadata = _metadata(await self._fetcher.get(where), self.url, where)
        self._metadata_read = self._clock()
        return self._metadata

    async def _read_keys(self) -> None:
        try:
            document = await self._fetcher.get((await self._known_metadata()).jwks_uri)
        finally:
            self._keys_tried = self._clock()
        keys = document.get("keys")
        self._keys = tuple(
            key for item in (keys if isinstance(keys, list) else []) if (key := _signing_key(item))
        )
        self._keys_read = self._keys_tried


def _metadata(document: dict[str, Any], issuer: str, where: str) -> Metadata:
    # Section 4.3: it must be exactly the same, or another issuer's answers would pass for this one's.
    if document.get("issuer") != issuer:
        raise unavailable(where, f"it names the issuer {str(document.get('issuer'))[:256]!r}, not {issuer!r}")
    urls = {name: document.get(name) for name in _ENDPOINTS}
    given = {name: url for name, url in urls.items() if isinstance(url, str) and is_safe_url(url)}
    if "jwks_uri" not in given:
        raise unavailable(where, "it has no jwks_uri with https")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        **{name: given.get(name, "") for name in _ENDPOINTS},
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def _signing_key(item: object) -> SigningKey | None:
    """A key that signatures can be verified with; None for any other, and for those this version cannot use.

    Secrets are among those: a public key never passes for one (RFC 8725 section 2.1).
    """
    if not isinstance(item, dict) or item.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(item)
        # The library raises LookupError for a curve that it does not know (RFC 7517 section 5: such a key is ignored).
    except (JoseError, ValueError, TypeError, LookupError):
        return None
    if key.key_type not in _KEY_TYPES:
        return None
    kid, alg = item.get("kid"), item.get("alg")
    named = kid if isinstance(kid, str) else None
    return SigningKey(named, alg if isinstance(alg, str) else None, key, key.thumbprint())
