"""Cookies as clients send them (RFC 6265)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

MAX_COOKIE_BYTES: Final = 32 * 1024
"""Longest `Cookie` field that is looked at; browsers keep 4 KiB a cookie."""

_MAX_SAME_COOKIES: Final = 4
"""Most cookies of one name that are verified: one for each domain and path that may have set it."""


def cookie_values(lines: Sequence[str], name: str) -> Iterator[str]:
    """The values of the cookies of one name. Anything but `name=value` is ignored.

    A client may hold several, set for different paths; the more specific come first (RFC 6265 section 5.4).

    Args:
        lines: every line of `Cookie`. More than `MAX_COOKIE_BYTES` count as none.
        name: case-sensitive.
    """
    if not lines or sum(map(len, lines)) > MAX_COOKIE_BYTES:
        return
    found = 0
    for pair in ";".join(lines).split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name and found < _MAX_SAME_COOKIES:
            found += 1
            yield value.strip().strip('"')


def cookie_names(lines: Sequence[str]) -> list[str]:
    """The names of all cookies, in the order in which the browser got them, if they are for one path (RFC 6265 section 5.4).

    Args:
        lines: every line of `Cookie`.
    """
    return [pair.partition("=")[0].strip() for pair in ";".join(lines).split(";")]


def secure_name(name: str, *, is_https: bool, root_path: str = "") -> str:
    """The name of a cookie that stands for a login.

    With the prefix `__Host-`, browsers accept it only over TLS, from this host and for all its paths (RFC
    6265bis section 4.1.3.2), so that neither a sibling host nor an attacker on the network can set one. The cookie of a
    site below a root path is for that path alone, so that it has only the prefix `__Secure-` (section 4.1.3.1).
    """
    if not is_https:
        return name
    return f"__Secure-{name}" if root_path else f"__Host-{name}"
