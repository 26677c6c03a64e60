"""Headers that many answers share."""

from __future__ import annotations

from typing import Final

PAGE_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Our own pages need a style sheet and icons, and nothing that runs."""


def store_headers(origin: str) -> dict[str, str]:
    """Tells which of several stores a folder or file was read from; nothing where there is one alone.

    Args:
        origin: see `FileInfo` and `Snapshot`.
    """
    return {"X-Pierhead-Store": origin} if origin else {}


def shared_headers(replica_id: str) -> dict[str, str]:
    """What is put on every answer.

    Args:
        replica_id: tells which of several replicas answered.
    """
    return {
        "X-Content-Type-Options": "nosniff",
        # Never tells another host which path was asked for; still lets our own form show where it came from.
        "Referrer-Policy": "same-origin",
        "X-Pierhead-Replica": replica_id,
    }


def page_headers(replica_id: str) -> dict[str, str]:
    """What is put on every page of our own."""
    return shared_headers(replica_id) | {"Content-Security-Policy": PAGE_SECURITY_POLICY}
