"""Proof that a form was sent from one of our own pages (double-submit cookie, bound by a signature)."""

from __future__ import annotations

import hashlib
import hmac

from app.auth.keys import KeyRing, Purpose
from app.domain.errors import AuthenticationFailed

FORM_COOKIE = "pierhead_form"
FORM_SECONDS = 12 * 3600
"""How long a page may stay open before its form is refused."""


def issue_form_token(keys: KeyRing, nonce: str, now: float) -> str:
    """Make the hidden field of a form.

    Args:
        keys: signs it.
        nonce: random text, 128 bits or more, that the client keeps in the cookie `FORM_COOKIE`.
        now: seconds since the epoch, UTC.
    """
    return keys.sign(Purpose.FORM, {"exp": int(now) + FORM_SECONDS, "nonce": _digest(nonce)})


def check_form_token(keys: KeyRing, nonce: str | None, token: str | None, now: float) -> bool:
    """Whether a form comes from a page that was made for this client.

    Args:
        keys: whose tokens are believed.
        nonce: from the client's cookie; None if it sent none.
        token: from the form; None if it had none.
        now: seconds since the epoch, UTC.
    """
    if not nonce or not token:
        return False
    try:
        expected = keys.verify(Purpose.FORM, token, now).get("nonce")
    except AuthenticationFailed:
        return False
    return isinstance(expected, str) and hmac.compare_digest(expected.encode(), _digest(nonce).encode())


def _digest(nonce: str) -> str:
    """A digest of the nonce: the page may be readable where its cookie is not."""
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()
