"""Filters, names and attributes of entries as text (RFC 4514, RFC 4515)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

_PLACE: Final = re.compile(r"\{(user|dn|gid)\}")
_COMPARED: Final = re.compile(r"\(([A-Za-z][A-Za-z0-9-]*)=\{user\}\)")
_ESCAPED: Final = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


def filled(template: str, values: Mapping[str, str]) -> str:
    """A filter with values in its places `{user}`, `{dn}` and `{gid}`. What is in a value is never a place itself.

    Args:
        values: by place; those that the filter has.
    """
    return _PLACE.sub(lambda place: escape_filter_chars(values[place[1]]), template)


def compared_attributes(template: str) -> tuple[str, ...]:
    """The attributes that a filter compares with the name of a user and nothing else, in its order."""
    return tuple(_COMPARED.findall(template))


def common_name(dn: str) -> str:
    """The name of a group: the value of the first part of its entry's name, without escapes (RFC 4514 section 3)."""
    value = str(parse_dn(dn, strip=True)[0][1]).encode("utf-8")
    return _ESCAPED.sub(_unescaped, value).decode("utf-8", "replace")


def first_of(attributes: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> str:
    """The first value of the first of these attributes that an entry has; empty if it has none."""
    return next((value for name in names for value in attributes.get(name.lower(), ())), "")


def texts_of(values: object) -> tuple[str, ...]:
    """Values of an attribute. They are bytes if no schema was read."""
    items = values if isinstance(values, list) else [values]
    return tuple(item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in items)


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode("ascii")) if len(found[1]) == 2 else found[1]
