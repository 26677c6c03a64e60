"""The result of one ListObjectsV2 call."""

from __future__ import annotations

from typing import NamedTuple


class ListPage(NamedTuple):
    """One page of a listing, column by column: a thousand keys are a few long-lived objects, not thousands.

    Attributes:
        keys: of the objects, in byte order.
        sizes: bytes.
        modified: seconds since the epoch, UTC; 0 if the engine gives none.
        e_tags: without quotes; empty if the engine gives none.
        common_prefixes: each ends with the delimiter; in byte order.
        token: continues the listing behind this page; None on the last page.
        classes: the storage class by key, of the objects that have one other than STANDARD. It may name other keys too.
    """

    keys: list[str]
    sizes: list[int]
    modified: list[float]
    e_tags: list[str]
    common_prefixes: list[str]
    token: str | None
    classes: dict[str, str]

    @property
    def last(self) -> str | None:
        """The last key or common prefix in byte order; None on an empty page."""
        return max((*self.keys[-1:], *self.common_prefixes[-1:]), default=None)

    @property
    def first(self) -> str | None:
        """The first key or common prefix in byte order; None on an empty page."""
        return min((*self.keys[:1], *self.common_prefixes[:1]), default=None)


def empty_page() -> ListPage:
    """An empty page, to add objects to."""
    return ListPage([], [], [], [], [], None, {})
