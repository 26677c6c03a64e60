"""First path segments that belong to the server. All others belong to the tree."""

from __future__ import annotations

from typing import Final

RESERVED: Final = frozenset({"healthz", "readyz", "metrics", "api", "license", "login", "logout", "-"})

MANIFEST_PREFIX: Final = "/api/v1/manifest"
"""Before the path of a folder, for everything below it: the routes have it, and pages name it."""


def is_reserved(first_segment: str) -> bool:
    """Whether paths that begin with this segment are the server's own."""
    return first_segment in RESERVED
