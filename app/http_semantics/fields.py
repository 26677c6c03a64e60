"""Reading header fields (RFC 9110 section 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

FieldLines = Callable[[str], Sequence[str]]
"""Gives every line of the field with this lower-case name, in the order received; empty when absent.

All lines, not only the first, because a repeated field is one longer list (section 5.3), or an invalid field if
no list is allowed. Starlette's `request.headers.getlist` is one.
"""

_MEMBER = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?$))+', re.DOTALL)
"""One list member; commas within a quoted-string do not end it. An unclosed quote runs to the end, so that
the search stays linear on hostile input."""


def list_members(lines: Sequence[str]) -> list[str]:
    """Split a list-based field into its members.

    Lines are joined with commas (section 5.3), empty members are dropped (section 5.6.1.2), and commas inside
    quoted-strings are kept (section 5.6.4).

    Args:
        lines: every line of the field.

    Returns:
        The members without surrounding whitespace. Their own grammar is not checked.
    """
    found = (member.strip(" \t") for member in _MEMBER.findall(",".join(lines)))
    return [member for member in found if member]
