"""A filter for the names of one folder, as people type it."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.errors import BadParameter
from app.policy.name_patterns import MAX_PATTERN_BYTES, NamePattern, is_wild


def name_filter(text: str) -> Callable[[str], bool]:
    """Whether a name matches: whole names if the text has a wildcard, else any part. Case does not count.

    Raises:
        BadParameter: the text is longer than any name.
    """
    if len(text.encode("utf-8", "surrogateescape")) > MAX_PATTERN_BYTES:
        raise BadParameter("q", f"at most {MAX_PATTERN_BYTES} bytes")
    wanted = text.casefold()
    if not is_wild(wanted):
        return lambda name: wanted in name.casefold()
    pattern = NamePattern.compile(wanted)
    return lambda name: pattern.matches(name.casefold())
