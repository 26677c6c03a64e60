"""A login under way, kept in a cookie while the browser is at the provider."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from app.auth.cookies import cookie_names, cookie_values, secure_name
from app.auth.keys import KeyRing, Purpose
from app.auth.sealing import seal, unseal

ATTEMPT_SECONDS: Final = 600
"""How long a login at the provider may take."""
MAX_ATTEMPTS: Final = 8
"""Logins under way in one browser. The cookies of many would make all its requests too long for proxies."""

_COOKIE: Final = "pierhead_login_"
_DIGEST: Final = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class Attempt:
    """Made when a browser is sent to the provider, and checked when it comes back.

    Attributes:
        state: comes back with the answer and ties it to this attempt (RFC 6749 section 10.12).
        nonce: comes back in the token.
        verifier: proves to the provider that the code is redeemed by the site that requested it (RFC 7636).
        redirect_uri: where the provider sends the browser.
        return_url: path of this site, perhaps with a query, to return to.
        is_silent: whether the user is logged in already, and the provider must not ask anything.
        issued: seconds since the epoch, UTC.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    return_url: str
    is_silent: bool
    issued: float

    @property
    def challenge(self) -> str:
        """The digest of the verifier for the provider (RFC 7636 section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def new_attempt(redirect_uri: str, return_url: str, now: float, *, is_silent: bool) -> Attempt:
    """A new attempt with random values."""
    made_up = (secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    return Attempt(*made_up, redirect_uri, return_url, is_silent, now)


def attempt_cookie(state: str) -> str:
    """The name of an attempt's cookie. Each attempt has its own, because people log in with several tabs at once.

    The state may come from anybody, so the name is made from its digest.
    """
    digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_COOKIE}{digest[:16]}"


def superseded_cookies(cookies: Sequence[str], *, is_https: bool, root_path: str = "") -> list[str]:
    """The cookies of a browser's oldest attempts, which one more leaves no room for, as `attempt_cookie` names them."""
    start = secure_name(_COOKIE, is_https=is_https, root_path=root_path)
    digests = [name.removeprefix(start) for name in cookie_names(cookies) if name.startswith(start)]
    known = [f"{_COOKIE}{digest}" for digest in digests if _DIGEST.fullmatch(digest)]
    return known[: 1 - MAX_ATTEMPTS]


def write_attempt(keys: KeyRing, attempt: Attempt) -> str:
    """The value of an attempt's cookie, which only this site can read.

    Raises:
        ValueError: it does not fit into a cookie, because its return URL is too long.
    """
    return seal(keys, Purpose.LOGIN, asdict(attempt))


def read_attempt(
    keys: KeyRing, cookies: Sequence[str], state: str, now: float, *, is_https: bool, root_path: str = ""
) -> Attempt | None:
    """The attempt that an answer belongs to; None if this browser has started none, or too long ago."""
    name = secure_name(attempt_cookie(state), is_https=is_https, root_path=root_path)
    for attempt in _attempts(keys, cookie_values(cookies, name)):
        if attempt.state == state and now < attempt.issued + ATTEMPT_SECONDS:
            return attempt
    return None


def _attempts(keys: KeyRing, values: Iterator[str]) -> Iterator[Attempt]:
    for value in values:
        claims = unseal(keys, Purpose.LOGIN, value)
        try:
            if claims is not None:
                yield Attempt(**claims)
        except TypeError:  # of another version of this server
            continue
