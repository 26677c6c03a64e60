"""Digests of files, as servers promise them and as they are checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import BinaryIO, Final, TypeAlias

Digests: TypeAlias = "Mapping[str, bytes]"
"""Values by their names in HTTP (RFC 9530 section 5)."""

NONE: Final[Digests] = {}
_HASHLIB_NAMES: Final = {"sha-512": "sha512", "sha-256": "sha256", "sha": "sha1", "md5": "md5"}
"""Those that can be checked here, the strongest first."""

_MEMBER: Final = re.compile(r"\s*([a-z0-9_.*-]+)=:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?(?:,|\Z)")
_READ_BYTES: Final = 1024 * 1024


def from_header(field: str) -> Digests:
    """The digests of a `Repr-Digest` field (RFC 9530 section 3); members that are not byte sequences are ignored."""
    found = {}
    for name, value in _MEMBER.findall(field):
        try:
            found[name] = base64.b64decode(value, validate=True)
        except binascii.Error:
            continue
    return found


def from_listing(line: Mapping[str, object]) -> Digests:
    """The digests of an entry of a listing, in hex: `digests` by their names in HTTP, or `sha256` alone."""
    named = line.get("digests")
    hexes = dict(named) if isinstance(named, dict) else {}
    if isinstance(line.get("sha256"), str):
        hexes.setdefault("sha-256", line["sha256"])
    found = {}
    for name, value in hexes.items():
        try:
            found[str(name)] = bytes.fromhex(str(value))
        except ValueError:
            continue
    return found


def strongest(digests: Digests) -> str | None:
    """The name of the best digest that can be checked; None where there is none."""
    return next((name for name in _HASHLIB_NAMES if name in digests), None)


def compute(stream: BinaryIO, *names: str) -> dict[str, bytes]:
    """Digests of all bytes that a stream still has.

    Args:
        names: as in HTTP, each one that can be checked here.
    """
    hashers = {name: hashlib.new(_HASHLIB_NAMES[name], usedforsecurity=False) for name in names}
    while chunk := stream.read(_READ_BYTES):
        for hasher in hashers.values():
            hasher.update(chunk)
    return {name: hasher.digest() for name, hasher in hashers.items()}
