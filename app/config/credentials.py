"""Find credentials in URLs. Settings are shown, logged and passed on, so their URLs must not contain any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

_USER: Final = re.compile(r"[a-z][a-z0-9+.-]*:/{1,2}(?!/)[^/?#]*@", re.IGNORECASE)
"""`scheme://user:password@` or `scheme://user@` (RFC 3986 section 3.2.1); with one slash, a slip."""
_PASSWORD: Final = re.compile(r"[a-z][a-z0-9+.-]*:/{1,2}[^/?#@:]*:(?!\d+(?:\W|$))", re.IGNORECASE)
"""Text after the colon of a host that is not a port: it may be a password with a slash in it."""
_BRACKETED: Final = re.compile(r"\[[0-9a-f:.]*\]", re.IGNORECASE)
"""An IPv6 address in a URL, whose colons mean something else (RFC 3986 section 3.2.2)."""
_PARAMETER: Final = re.compile(r"[?&;#]([^=&;#?]*)=")
_SECRET_WORDS: Final = (
    "key",
    "secret",
    "token",
    "passw",
    "pwd",
    "credential",
    "signature",
    "auth",
    "sas",
    "jwt",
)


class CredentialsInUrl(ValueError):
    """A setting has credentials in a URL. Says nothing of the value."""


def holds_credentials(value: object) -> bool:
    """Whether a setting's value is or contains a URL with a user, a password, a key or a token in it.

    Args:
        value: as it was written: a string, which may be a list of URLs, or anything that TOML has.
    """
    return any(
        _is_telling(form) for text in _strings(value) for piece in _pieces(text) for form in _forms(piece)
    )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for item in value:
            yield from _strings(item)


def _pieces(text: str) -> list[str]:
    return [piece for piece in re.split(r"[\s,]+", text) if ":/" in piece]


def _forms(piece: str) -> tuple[str, str]:
    """The text itself and its decoded form: a URL may be the parameter of another URL."""
    return piece, unquote(piece)


def _is_telling(url: str) -> bool:
    if _USER.search(url) or _PASSWORD.search(_BRACKETED.sub("address", url)):
        return True
    names = (re.sub(r"[^a-z]", "", name.lower()) for name in _PARAMETER.findall(url))
    return any(word in name for name in names for word in _SECRET_WORDS)
