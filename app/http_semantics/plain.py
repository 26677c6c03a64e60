"""Requests that every server of bytes answers alike.

S3 engines and nginx differ in what they make of conditions and ranges: most engines ignore `If-Range`, so that one
that follows a redirect gets parts of two objects. Only what they cannot differ in may be left to them.
"""

from __future__ import annotations

import re
from typing import Final

from app.http_semantics.fields import FieldLines
from app.http_semantics.ranges import RangeResult

_CONDITIONS_FOR_BYTES: Final = ("if-match", "if-unmodified-since", "if-range")
"""A server that ignores one of these sends bytes that the client did not want (RFC 9110 section 13.1)."""
_ONE_RANGE: Final = re.compile("bytes=([0-9]{1,18}-[0-9]{0,18}|-(?P<suffix>[0-9]{1,18}))")


def is_plain(headers: FieldLines, ranges: RangeResult) -> bool:
    """Whether the answer to a GET is the same wherever the bytes come from.

    Of conditions, one of `If-None-Match` and `If-Modified-Since` is left: a server that ignores it sends the whole,
    which is right. With both, some heed the one that is void (RFC 9110 section 13.1.3). Of ranges, a single one in
    its simplest form is left.

    Args:
        headers: of a GET whose preconditions hold.
        ranges: what it asks for.
    """
    if any(headers(name) for name in _CONDITIONS_FOR_BYTES):
        return False
    if headers("if-none-match") and headers("if-modified-since"):
        return False
    lines = headers("range")
    if not lines:
        return True
    match = _ONE_RANGE.fullmatch(lines[0])
    if len(lines) != 1 or match is None or not isinstance(ranges, tuple) or len(ranges) != 1:
        return False
    # More than there is: the whole file (section 14.1.2), which some engines refuse.
    return match["suffix"] is None or int(match["suffix"]) == ranges[0].length
