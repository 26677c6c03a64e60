"""First path segments that belong to the server. All others belong to the tree."""

from __future__ import annotations

from typing import Final

RESERVED: Final = frozenset({"healthz", "readyz", "metrics", "api", "license", "login", "logout", "-"})


def is_reserved(first_segment: str) -> bool:
    """Whether paths that begin with this segment are the server's own."""
    return first_segment in RESERVED
