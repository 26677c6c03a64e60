"""The links of a listing that have a query: to the pages before and after."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from app.domain.access import VisibleEntry
from app.domain.paths import ArtifactPath
from app.pages.contexts import FolderPage


def next_query(page: FolderPage, representation: str | None = None) -> str | None:
    """Relative reference to the next page of a folder, to be resolved against the folder's URL.

    Args:
        page: the page before it.
        representation: value for `format`; None leaves it to the client's Accept header.

    Returns:
        `?after=...` in ASCII, not HTML-escaped; None on the last page.
    """
    return None if page.next_after is None else _query(page, page.next_after, representation)


def previous_query(page: FolderPage) -> str | None:
    """Relative reference to the page before this one, as `next_query`; None on the first."""
    return None if page.previous_after is None else _query(page, page.previous_after)


def _query(page: FolderPage, after: str, representation: str | None = None) -> str:
    fields = {"after": after} if after else {}
    if page.limit is not None:
        fields["limit"] = str(page.limit)
    if page.order is not None:
        fields |= {"sort": page.order.by, "order": page.order.direction}
    if page.name_like is not None:
        fields["q"] = page.name_like
    if page.has_sizes:
        fields["sizes"] = "true"
    if representation is not None:
        fields["format"] = representation
    return "?" + urlencode(fields, errors="surrogateescape") if fields else "./"


def next_walk_query(
    root: ArtifactPath, last: VisibleEntry, limit: int | None, asked: Mapping[str, str]
) -> str:
    """Relative reference that continues a recursive listing.

    Args:
        root: the folder that is listed.
        last: the last entry of the page before.
        limit: the requested page size; None for the default.
        asked: the other fields of the query.

    Returns:
        `?recursive=true&after=...` or the like, in ASCII, not HTML-escaped.
    """
    path = last.path.as_folder if last.entry.is_folder else last.path
    below = "/".join(path.segments[len(root.segments) :]) + ("/" if path.is_folder else "")
    fields = {**asked, "after": below}
    if limit is not None:
        fields["limit"] = str(limit)
    return "?" + urlencode(fields, errors="surrogateescape")
