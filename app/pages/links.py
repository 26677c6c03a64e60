"""The one link of a listing that has a query: to its next page."""

from __future__ import annotations

from urllib.parse import urlencode

from app.pages.contexts import FolderPage


def next_query(page: FolderPage, representation: str | None = None) -> str | None:
    """Relative reference to the next page of a folder, to be resolved against the folder's URL.

    Args:
        page: the page before it.
        representation: value for `format`; None leaves it to the client's Accept header.

    Returns:
        `?after=...` in ASCII, not HTML-escaped; None on the last page.
    """
    if page.next_after is None:
        return None
    fields = {"after": page.next_after}
    if page.limit is not None:
        fields["limit"] = str(page.limit)
    if representation is not None:
        fields["format"] = representation
    return "?" + urlencode(fields, errors="surrogateescape")
