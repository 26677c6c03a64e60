"""A filter for the names of one folder, as people type it."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import normalize

from app.domain.errors import BadParameter
from app.policy.name_patterns import MAX_PATTERN_BYTES, NamePattern, is_wild


def name_filter(text: str) -> Callable[[str], bool]:
    """Whether a name contains the text or, if that has a wildcard, matches it as a whole. Neither case counts, nor how
    Unicode writes a letter: file names of some systems have accents apart (Unicode Standard Annex 15).

    Raises:
        BadParameter: the text is longer than any name.
    """
    if len(text.encode("utf-8", "surrogateescape")) > MAX_PATTERN_BYTES:
        raise BadParameter("q", f"at most {MAX_PATTERN_BYTES} bytes")
    wanted = _folded(text)
    pattern = NamePattern.compile(wanted) if is_wild(wanted) else None

    def is_meant(name: str) -> bool:
        folded = _folded(name)
        return wanted in folded or (pattern is not None and pattern.matches(folded))

    return is_meant


def _folded(text: str) -> str:
    return text.casefold() if text.isascii() else normalize("NFC", text.casefold())
