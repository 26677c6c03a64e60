"""The result of one ListObjectsV2 call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class ListPage(NamedTuple):
    """One page of a listing, column by column: a thousand keys are a few long-lived objects, not thousands.

    Attributes:
        keys: of the objects, in byte order.
        sizes: bytes.
        modified: seconds since the epoch, UTC; None if the engine gives none.
        e_tags: without quotes; empty if the engine gives none.
        common_prefixes: each ends with the delimiter; in byte order.
        token: continues the listing behind this page; None on the last page.
        classes: the storage class by key, of the objects that have one other than STANDARD. It may name other keys too.
    """

    keys: list[str]
    sizes: list[int]
    modified: list[float | None]
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

    def part(self, objects: Sequence[int], prefixes: Sequence[int]) -> ListPage:
        """Some of its objects and common prefixes, by their places in the columns."""
        return ListPage(
            [self.keys[place] for place in objects],
            [self.sizes[place] for place in objects],
            [self.modified[place] for place in objects],
            [self.e_tags[place] for place in objects],
            [self.common_prefixes[place] for place in prefixes],
            self.token,
            self.classes,
        )


def empty_page() -> ListPage:
    """An empty page, to add objects to."""
    return ListPage([], [], [], [], [], None, {})


class Repeats:
    """Drops what an engine lists twice: some begin a page with the last keys or common prefixes of the page before."""

    def __init__(self) -> None:
        self._before = empty_page()

    def dropped(self, page: ListPage) -> ListPage:
        """The next page of one listing, without what is on the page before, or earlier on this one."""
        before = self._before
        if page.last is not None:
            self._before = page
        objects = _places_of_new(page.keys, before.keys)
        prefixes = _places_of_new(page.common_prefixes, before.common_prefixes)
        if len(objects) == len(page.keys) and len(prefixes) == len(page.common_prefixes):
            return page
        return page.part(objects, prefixes)


def _places_of_new(items: Sequence[str], before: Sequence[str]) -> list[int]:
    seen = set(before)
    places = []
    for place, item in enumerate(items):
        if item not in seen:
            seen.add(item)
            places.append(place)
    return places
