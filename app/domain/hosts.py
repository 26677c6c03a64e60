"""Host names, in the one form in which they are compared."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final

ALLOWED: Final = "a host name without port, such as `releases.example.org`"

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def parse_host(text: str) -> str:
    """A host name as an operator writes it: lower case, without a dot at its end, and of letters that `Host` can have.

    Names with other letters are spelled by IDNA (RFC 3490 section 4.1). Where later rules (RFC 5891) spell one in another
    way, as with `ß`, the operator must say which is meant.

    Raises:
        ValueError: it is none; says why.
    """
    lower = text.lower().removesuffix(".")
    try:
        name = lower if lower.isascii() else lower.encode("idna").decode("ascii")
        is_certain = lower.isascii() or name.encode("ascii").decode("idna") == lower
    except UnicodeError:
        raise ValueError(f"got {text!r}") from None
    if not is_certain:
        raise ValueError(f"got {text!r}, which has two spellings: write the one that begins with xn--")
    if not _NAME.fullmatch(name):
        raise ValueError(f"got {text!r}")
    return _shortened(name) if name.startswith("[") else name


def host_of(field: bytes) -> bytes:
    """The name in a Host field that has no fault, in the same form: without port (RFC 9110 section 4.2.3)."""
    name, colon, port = field.rpartition(b":")
    host = name if colon and not port.endswith(b"]") else field
    if not host.startswith(b"["):
        return host.lower().removesuffix(b".")
    try:
        return _shortened(host.decode("ascii")).encode("ascii")
    except ValueError:
        return host  # no address: nobody's name


def _shortened(literal: str) -> str:
    """An IPv6 address in brackets in the one spelling of RFC 5952, as browsers send it. Raises ValueError for any other text."""
    return f"[{IPv6Address(literal[1:-1])}]"
