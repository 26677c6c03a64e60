"""Which URLs of other services are asked: https, or http on this very host."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def is_safe_url(url: str) -> bool:
    """Whether nobody on the way can read or change what a URL gives (OpenID Connect Discovery 1.0 section 3)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def is_issuer_url(url: str) -> bool:
    """Whether a URL may name an issuer of tokens: safe, and without query or fragment (OpenID Connect Core 1.0 section 2)."""
    return is_safe_url(url) and "?" not in url and "#" not in url
