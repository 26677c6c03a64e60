"""Tables in docs/operations.md that a test makes of what it sees, and holds against what it sees ever after."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"

Table = dict[str, dict[str, str]]
"""Cells by row and column."""


class MadeTable:
    """One table of the guide.

    Args:
        target: of make, which writes it; its comment before the table names it.
        rows: names in the first column.
        columns: names in the head, without the first.
    """

    def __init__(self, target: str, rows: Iterable[str], columns: Iterable[str]) -> None:
        self.rows = tuple(rows)
        self.columns = tuple(columns)
        self._place = re.compile(rf"(?<=: made by `make {target}` -->\n\n)(?:\|.*\n)*")

    def written(self) -> Table:
        """What the guide has."""
        found = self._place.search(GUIDE.read_text())
        assert found is not None
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines()]
        if not rows:
            return {}
        (_, *columns), _, *cells = rows
        return {row: dict(zip(columns, rest, strict=True)) for row, *rest in cells}

    def write(self, row: str, column: str, cell: str) -> None:
        """Put a cell into the guide."""
        table = self.written()
        table.setdefault(row, {})[column] = cell
        lines = [["", *self.columns], ["---"] * (1 + len(self.columns))]
        lines += [
            [name, *(table.get(name, {}).get(each, "?") for each in self.columns)] for name in self.rows
        ]
        text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("|  |", "| |")
        GUIDE.write_text(self._place.sub(lambda _: text, GUIDE.read_text(), count=1))

    def has_all(self) -> bool:
        """Whether the guide has every row and column, and no other, in their order."""
        table = self.written()
        return list(table) == list(self.rows) and {tuple(cells) for cells in table.values()} == {self.columns}
