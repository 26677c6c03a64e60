"""The licences that a client says it has accepted, in a signed cookie or in a header.

Neither is a credential: a digest is not secret, and a client that sends one only speaks for itself. So nothing
here ever fails; invalid values are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from app.auth.keys import KeyRing, Purpose
from app.auth.sessions import AHEAD_SECONDS
from app.domain.errors import AuthenticationFailed

ACCEPTANCE_COOKIE = "pierhead_licences"
ACCEPTANCE_SECONDS = 24 * 3600
"""How long an acceptance is remembered."""

MAX_ACCEPTANCES = 48
"""Most licences that one cookie remembers, so that it stays below the 4,096 bytes that every browser keeps
(RFC 6265 section 6.1)."""

_MD5 = re.compile("[0-9a-f]{32}")
_DIGEST = re.compile("[0-9a-f]{32}|[0-9a-f]{64}")
_DIVIDER = re.compile(r"[\s,]+")


def read_acceptances(keys: KeyRing, cookie: str | None, now: float) -> frozenset[str]:
    """The licences that an acceptance cookie names.

    Args:
        keys: whose cookies are believed.
        cookie: its value; None if there was none.
        now: seconds since the epoch, UTC.

    Returns:
        MD5 digests; none for a cookie that is forged, expired or garbage.
    """
    return frozenset(_unexpired(keys, cookie, now))


def grant_acceptance(keys: KeyRing, cookie: str | None, digests: Iterable[str], now: float) -> str:
    """Add licences to an acceptance cookie.

    Each licence keeps its own time, so that accepting one does not prolong another. Of more than
    `MAX_ACCEPTANCES`, the oldest are forgotten.

    Args:
        keys: signs it.
        cookie: the value the client sent; None if there was none.
        digests: `Licence.digest` of those accepted now.
        now: seconds since the epoch, UTC.

    Returns:
        The new value, to be kept for `ACCEPTANCE_SECONDS`.

    Raises:
        ValueError: a digest is not lower-case hex MD5.
    """
    until = int(now) + ACCEPTANCE_SECONDS
    accepted = _unexpired(keys, cookie, now)
    for digest in digests:
        if not _MD5.fullmatch(digest):
            raise ValueError(f"an acceptance is named by its licence's MD5 in lower-case hex, not {digest!r}")
        accepted[digest] = until
    newest = sorted(accepted.items(), key=lambda item: item[1], reverse=True)[:MAX_ACCEPTANCES]
    return keys.sign(Purpose.ACCEPTANCE, {"exp": until, "until": dict(newest)})


def header_acceptances(*fields: Sequence[str]) -> frozenset[str]:
    """The licences named by the field `License-Accepted`: digests separated by whitespace.

    Args:
        fields: every line of it, in each of its spellings (clients also write `License_Accepted`).

    Returns:
        MD5 and SHA-256 digests in lower case; whatever else stands there is left out.
    """
    tokens = (token.lower() for lines in fields for line in lines for token in _DIVIDER.split(line))
    return frozenset(token for token in tokens if _DIGEST.fullmatch(token))


def _unexpired(keys: KeyRing, cookie: str | None, now: float) -> dict[str, int]:
    """Digests, each with the time when it expires, in seconds since the epoch."""
    if not cookie:
        return {}
    try:
        until = keys.verify(Purpose.ACCEPTANCE, cookie, now).get("until")
    except AuthenticationFailed:
        return {}
    if not isinstance(until, dict):
        return {}
    # One that lasts longer than any was made by a clock that has been set back since.
    latest = now + ACCEPTANCE_SECONDS + AHEAD_SECONDS
    return {
        digest: expires
        for digest, expires in until.items()
        if isinstance(expires, int) and now < expires <= latest
    }
