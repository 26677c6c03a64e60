"""The root of the errors."""

from __future__ import annotations


class PierheadError(Exception):
    """Root of the tree. Its text may be shown to the client: it names no secret and no host path."""
