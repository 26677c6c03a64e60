"""Base64 as tokens have it (RFC 7515 section 2): its own alphabet, and no padding."""

from __future__ import annotations

import base64
import binascii
from typing import Final

_LAST: Final = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
"""How a text may end, by what its length leaves when divided by four: other endings would be a second spelling of the same bytes."""


def encode(content: bytes) -> str:
    """The text of some bytes."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        ValueError: it is not in this form, or not the only spelling of its bytes.
    """
    raw = text.encode("ascii")
    beyond = len(raw) % 4
    if b"=" in raw or b"+" in raw or b"/" in raw or beyond == 1:
        raise binascii.Error("not base64url without padding")
    if beyond and raw[-1] not in _LAST[beyond]:
        raise binascii.Error("bits are set beyond the end")
    return base64.b64decode(raw + b"=" * (-len(raw) % 4), b"-_", validate=True)
