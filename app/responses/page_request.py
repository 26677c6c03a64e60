"""The part of a folder that is requested."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.order import Order


class PageRequest(NamedTuple):
    """The part of a folder that is requested.

    Attributes:
        after: begin behind this name; None for the beginning.
        limit: most entries; None for all.
        format: the value of the `format` parameter, repeated in the link to the next page.
        order: the requested one; None for the folder's own.
        name_like: leave out all names that do not match this; None for all.
        sizes: whether folders have sizes, as far as they are known.
        rows: most entries if there is no limit; None for all.
    """

    after: str | None = None
    limit: int | None = None
    format: str | None = None
    order: Order | None = None
    name_like: str | None = None
    sizes: bool = False
    rows: int | None = None

    @property
    def most(self) -> int | None:
        """Most entries of the page; None for all."""
        return self.rows if self.limit is None else self.limit

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the folder in the order that is its own."""
        return self == PageRequest(format=self.format)

    @property
    def is_first_of_all(self) -> bool:
        """Whether it begins with the first entry of the folder and leaves out none that follows."""
        return self.after is None and self.name_like is None
