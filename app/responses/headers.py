"""Headers that many answers share."""

from __future__ import annotations

from typing import Final

PAGE_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Our own pages need a style sheet and icons, and nothing that runs: neither a login nor a licence depends on a script."""
FOLDER_SECURITY_POLICY: Final = f"{PAGE_SECURITY_POLICY}; script-src 'self'"
"""Pages of folders have a script too."""


def store_headers(origin: str) -> dict[str, str]:
    """Names the one of several stores that a folder or file was read from; empty if there is only one.

    Args:
        origin: see `FileInfo` and `Snapshot`.
    """
    return {"X-Pierhead-Store": origin} if origin else {}


def shared_headers(replica_id: str) -> dict[str, str]:
    """The header fields of every answer.

    Args:
        replica_id: names the replica that answers.
    """
    return {
        "X-Content-Type-Options": "nosniff",
        # Never tells another host the requested path, but lets our own form show its origin.
        "Referrer-Policy": "same-origin",
        "X-Pierhead-Replica": replica_id,
    }


def page_headers(replica_id: str) -> dict[str, str]:
    """The header fields that `OutgoingAnswer` gives every answer that names no security policy of its own."""
    return shared_headers(replica_id) | {"Content-Security-Policy": PAGE_SECURITY_POLICY}


def folder_headers(replica_id: str) -> dict[str, str]:
    """The header fields of every page of a folder."""
    return shared_headers(replica_id) | {"Content-Security-Policy": FOLDER_SECURITY_POLICY}
