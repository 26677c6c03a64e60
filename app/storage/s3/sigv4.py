"""Makes signed URLs: AWS Signature Version 4 in query parameters. Pure.

After the Amazon S3 API reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

MAX_SECONDS: Final = 7 * 24 * 3600
"""Longest life that S3 allows a URL (X-Amz-Expires)."""

WINDOWS_PER_LIFE: Final = 5
"""Number of windows in the life of a URL: see `Term.around`."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_REMEMBERED: Final = 8
"""Signing keys and terms that are cached: the current ones and the last ones."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Credentials(NamedTuple):
    """The credentials of the signer.

    Attributes:
        token: of a session, for temporary credentials; else None.
        expires_at: seconds since the epoch, UTC; None for permanent credentials.
    """

    access_key: str
    secret_key: str
    token: str | None = None
    expires_at: float | None = None


class Address(NamedTuple):
    """The address of a bucket.

    Attributes:
        origin: scheme and host, with the port if it is given: `https://bucket.s3.eu-west-1.amazonaws.com`.
        path: of the bucket itself, percent-encoded, without a slash at its end: `/bucket` in path style, empty in
            virtual-host style, behind the path of the endpoint if that has one.
        region: the one that signatures name.
    """

    origin: str
    path: str
    region: str

    def path_of(self, key: str) -> str:
        """The path of an object, percent-encoded; of the bucket itself for the empty key."""
        return f"{self.path}/{quote(key, safe='/')}" if key else self.path or "/"


class Term(NamedTuple):
    """When a URL becomes valid, and for how long.

    Attributes:
        begins_at: seconds since the epoch, UTC; whole.
        seconds: 1 to `MAX_SECONDS`.
        shared_until: until then `around` gives the same term, unless the credentials change.
    """

    begins_at: int
    seconds: int
    shared_until: int = 0

    @classmethod
    def around(cls, now: float, seconds: int, *, ends_by: float | None = None) -> Term:
        """A term that stays the same for a while, so that the same request gives the same URL.

        Time is divided into windows of a fifth of `seconds`, at least one second, and less where the whole would be
        longer than S3 allows. All requests in a window share the term that begins with it, never later than now, and that
        lasts `seconds` beyond the window's end: however late in the window a URL is made, it is valid for
        `seconds`.

        Args:
            now: seconds since the epoch, UTC.
            seconds: how long a URL must be valid from now on, 1 to `MAX_SECONDS`.
            ends_by: the latest end, because the credentials expire then.

        Raises:
            ValueError: `ends_by` is less than a second away, or over.
        """
        window = max(1, min(seconds // WINDOWS_PER_LIFE, MAX_SECONDS - seconds))
        begins_at = int(now) // window * window
        ends_at = begins_at + min(seconds + window, MAX_SECONDS)
        if ends_by is not None:
            if ends_by < now + 1:
                raise ValueError("the credentials have expired")
            ends_at = min(ends_at, int(ends_by))
        return cls(begins_at, ends_at - begins_at, begins_at + window)


def encoded_pairs(query: Mapping[str, str]) -> list[str]:
    """Parameters as a signed URL has them."""
    return [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items()]


class Presigner:
    """Signs URLs of one bucket.

    The signing key is derived once for each day and secret: with it, a signature is one HMAC.

    Args:
        address: of the bucket.
        always: parameters that every URL has.
    """

    def __init__(self, address: Address, always: Mapping[str, str] = MappingProxyType({})) -> None:
        self._address = address
        self._always = always
        self._host = _host(address.origin)
        self._signing_key = lru_cache(_REMEMBERED)(self._derive_signing_key)
        self._signing = lru_cache(_REMEMBERED)(self._begin_signing)

    def presign(
        self, credentials: Credentials, method: str, key: str, query: Mapping[str, str], term: Term
    ) -> str:
        """A URL that allows one kind of request to anybody who has it.

        Args:
            method: the only one that it is valid for.
            key: of an object, exact; empty for the bucket itself.
            query: parameters of the operation, such as `response-content-type`; not encoded.
            term: when it holds.
        """
        # What is sent must be what is signed: a path of S3 is never normalised.
        path = self._address.path_of(key)
        signing = self._signing(credentials, term)
        pairs = encoded_pairs({**query, **self._always})
        canonical_query = "&".join(sorted((*pairs, *signing.pairs), key=_by_name))
        canonical_request = (
            f"{method}\n{path}\n{canonical_query}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        )
        text = signing.head + sha256(canonical_request.encode("ascii")).hexdigest()
        signature = hmac.digest(signing.key, text.encode("ascii"), "sha256").hex()
        parameters = "&".join((*pairs, *signing.pairs))
        return f"{self._address.origin}{path}?{parameters}&X-Amz-Signature={signature}"

    def _begin_signing(self, credentials: Credentials, term: Term) -> _Signing:
        """What all URLs of a term have in common."""
        time = datetime.fromtimestamp(term.begins_at, UTC).strftime("%Y%m%dT%H%M%SZ")
        day = time[:8]
        scope = f"{day}/{self._address.region}/s3/aws4_request"
        fields = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{scope}",
            "X-Amz-Date": time,
            "X-Amz-Expires": str(term.seconds),
            "X-Amz-SignedHeaders": "host",
        }
        if credentials.token is not None:
            fields["X-Amz-Security-Token"] = credentials.token
        return _Signing(
            pairs=tuple(f"{name}={quote(value, safe='')}" for name, value in fields.items()),
            head=f"{_ALGORITHM}\n{time}\n{scope}\n",
            key=self._signing_key(credentials.secret_key, day),
        )

    def _derive_signing_key(self, secret_key: str, day: str) -> bytes:
        key = f"AWS4{secret_key}".encode()
        for part in (day, self._address.region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


class _Signing(NamedTuple):
    """What the signatures of one term and signer have in common.

    Attributes:
        pairs: its query parameters, encoded.
        head: of the string to sign, up to the digest of the request.
        key: of the HMAC.
    """

    pairs: tuple[str, ...]
    head: str
    key: bytes


def _by_name(pair: str) -> tuple[str, str]:
    """Parameters are signed in the order of their encoded names: `=` must not count as part of one."""
    name, _, value = pair.partition("=")
    return name, value


def _host(origin: str) -> str:
    """The Host field that a client sends: without the port where that is the scheme's own."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if ":" in host:  # an IPv6 address
        host = f"[{host}]"
    is_default = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
    return host if is_default else f"{host}:{parts.port}"
