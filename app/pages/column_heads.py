"""The heads of a folder's table, which choose its order."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.domain.order import Direction, Order, SortKey


class ColumnHead(NamedTuple):
    """A head that is a button.

    Attributes:
        label: what it says.
        sort, order: the parameters that it sends.
        aria_sort: value of the attribute where the table is sorted by this column; else empty.
    """

    label: str
    sort: SortKey
    order: Direction
    aria_sort: str


_COLUMNS: Final[tuple[tuple[str, tuple[SortKey, ...], Direction], ...]] = (
    ("Name", ("name", "version"), "asc"),
    ("Last modified", ("modified",), "desc"),
    ("Size", ("size",), "desc"),
)
"""What each says, the orders that are its own, and the direction that is asked for first."""
_ARIA: Final[dict[Direction, str]] = {"asc": "ascending", "desc": "descending"}
_OTHER: Final[dict[Direction, Direction]] = {"asc": "desc", "desc": "asc"}


def column_heads(order: Order | None) -> list[ColumnHead]:
    """The heads of a table in this order: the one that it is sorted by turns it round.

    Args:
        order: None for the listing order, which is that of no column.
    """
    return [
        ColumnHead(label, order.by, _OTHER[order.direction], _ARIA[order.direction])
        if order is not None and order.by in keys
        else ColumnHead(label, keys[0], first, "")
        for label, keys, first in _COLUMNS
    ]
