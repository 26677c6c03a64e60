"""Recognizes requests that S3 engines and nginx answer in the same way.

They differ in how they treat conditions and ranges. Most engines ignore `If-Range`, so a client
that follows a redirect might get parts of two objects. Only other requests may be left to them.
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
    """Whether the answer to a GET is the same from every sender of the bytes.

    Of conditions, one of `If-None-Match` and `If-Modified-Since` is allowed: a server that ignores it sends everything,
    which is right. With both, some follow the wrong one (RFC 9110 section 13.1.3). Of ranges, a single one in
    its simplest form is allowed.

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
    # More than the file has: the whole file (section 14.1.2), but some engines refuse it.
    return match["suffix"] is None or int(match["suffix"]) == ranges[0].length
