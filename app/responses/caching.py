"""The header fields for caches: who may keep an answer, how long, and what it depends on. No other file sets them.

`Cache-Control` and `Age` follow RFC 9111, the stale extensions RFC 5861, `Vary` RFC 9110 section 12.5.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from app.auth.fields import ACCEPTANCES, CREDENTIALS, ORIGIN, PREFIX
from app.domain.access import Principal

NOT_STORED: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
"""For redirects, errors and probes, which are valid only now."""
PRIVATE: Final[Mapping[str, str]] = {"Cache-Control": "private, no-store"}
"""For answers that not everybody gets."""
REVALIDATED: Final[Mapping[str, str]] = {"Cache-Control": "no-cache"}
"""Anybody may keep it, but must revalidate it each time."""
IMMUTABLE: Final[Mapping[str, str]] = {"Cache-Control": "public, max-age=31536000, immutable"}
"""For files whose name changes with their content (RFC 8246)."""

LISTING_VARY: Final = ", ".join(("Accept", "Accept-Encoding", *CREDENTIALS))
FILE_VARY: Final = ", ".join(("Accept", *CREDENTIALS, ACCEPTANCES[0]))
LICENCE_VARY: Final = ", ".join(("Accept", CREDENTIALS[1]))
"""For the redirect of a browser to a licence: scripts are refused instead."""

REMEMBERED_AGES: Final = 1024

RawField = tuple[bytes, bytes]

_STALE: Final = (b"cache-status", b"pierhead; hit; detail=stale")
"""RFC 9211 section 2."""


class Variation:
    """What answers depend on beside the fields that their makers name.

    Args:
        root_path: below which the site is, by its setting. Answers for another one depend on the field that says so.
        by_origin: whether it matters which site's page sends a request.
    """

    def __init__(self, root_path: str = "", *, by_origin: bool = False) -> None:
        self._root_path = root_path
        self._always = (ORIGIN,) if by_origin else ()

    def of(self, vary: str, root_path: str) -> str:
        """The whole value of `Vary`.

        Args:
            vary: what is named already; empty for nothing.
            root_path: of the site in this request.
        """
        named = vary.lower()
        also = self._always if root_path == self._root_path else (*self._always, PREFIX)
        return ", ".join([*filter(None, (vary,)), *(name for name in also if name.lower() not in named)])


class CacheHeaders:
    """How long answers may be kept, and by whom (RFC 9111 section 3, RFC 5861).

    Args:
        ttl: seconds for which a folder is fresh; 0 for not at all.
        grace: seconds after that for which it is served while it is refreshed.
        max_stale: age in seconds up to which it is served if it cannot be refreshed.
    """

    def __init__(self, ttl: int, grace: int, max_stale: int) -> None:
        lives = f"max-age={ttl}, stale-while-revalidate={grace}, stale-if-error={max(0, max_stale - ttl)}"
        folder = f"public, {lives}" if ttl else REVALIDATED["Cache-Control"]
        self._ttl = ttl
        self._public = (b"cache-control", folder.encode("ascii"))
        self._private = ((b"cache-control", PRIVATE["Cache-Control"].encode("ascii")),)
        self._aged = lru_cache(REMEMBERED_AGES)(self._of_age)

    def of_view(self, principal: Principal, age: float, *, is_stale: bool) -> tuple[RawField, ...]:
        """Raw fields for a folder's page. Its age counts from when the folder was read.

        nginx ignores Age (RFC 9111 section 5.1), and would keep an old page for the whole ttl. The remaining time
        has its own field, which nginx prefers to Cache-Control and does not pass on.

        Args:
            principal: only answers that everybody sees may be kept by others, and have an age.
            age: seconds.
        """
        return self._aged(int(age), is_stale) if _is_everybody(principal) else self._private

    def _of_age(self, age: int, is_stale: bool) -> tuple[RawField, ...]:
        left = 0 if is_stale else max(0, self._ttl - age)
        fields = (self._public, (b"age", b"%d" % age), (b"x-accel-expires", b"%d" % left))
        return (*fields, _STALE) if is_stale else fields


def kept_for(principal: Principal) -> Mapping[str, str]:
    """For answers without an age: only those that everybody sees may be kept."""
    return REVALIDATED if _is_everybody(principal) else PRIVATE


def _is_everybody(principal: Principal) -> bool:
    return principal.is_anonymous and not principal.trusted
