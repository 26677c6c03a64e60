"""From rows to Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.bench import Section
from benchmarks.results import Goal, Row, find, times

BEGIN: Final = "<!-- figures: begin; written by `make bench`, do not edit -->"
END: Final = "<!-- figures: end -->"


def render(rows: Mapping[str, Sequence[Row]], sections: Sequence[Section], machine: Mapping[str, str]) -> str:
    """What stands between the markers of docs/benchmarks.md, by the rows of each section that was measured."""
    parts = ["; ".join(f"{name}: {value}" for name, value in machine.items()) + ".", "### Targets"]
    judged = [_judge(goal, rows.get(section.name, ())) for section in sections for goal in section.goals]
    parts.append(_table(("target", "measured", "met"), judged))
    for section in sections:
        if section.name in rows:
            parts += _section(section, rows[section.name])
    return "\n\n".join(parts) + "\n"


def publish(text: str, page: Path) -> None:
    """Put the figures between the markers of a page.

    Raises:
        ValueError: the page has no markers.
    """
    between = re.compile(f"(?<={re.escape(BEGIN)}\n).*(?={re.escape(END)})", re.DOTALL)
    page_text = page.read_text()
    if not between.search(page_text):
        raise ValueError(f"{page} lacks its markers")
    page.write_text(between.sub(lambda _: f"\n{text}\n", page_text))


def is_met(goal: Goal, rows: Sequence[Row]) -> bool | None:
    """Whether the rows of a section reach a goal; None where there is no figure."""
    figure = goal.figure(rows)
    return None if figure is None else goal.at_least <= figure <= goal.at_most


def _judge(goal: Goal, rows: Sequence[Row]) -> tuple[str, str, str]:
    figure = goal.figure(rows)
    measured = "no figure" if figure is None else f"{_short(figure)} {goal.unit}"
    return goal.text, measured, {None: "not measured", True: "yes", False: "**no**"}[is_met(goal, rows)]


def _section(section: Section, rows: Sequence[Row]) -> Iterator[str]:
    if not section.by_case:
        yield f"### {section.title}"
        yield _rows(rows, ("case", *section.columns))
        return
    for case in dict.fromkeys(row.case for row in rows):
        yield f"### {section.title}, {case}"
        yield _rows([row for row in rows if row.case == case], section.columns)


def _rows(rows: Sequence[Row], columns: Sequence[str]) -> str:
    lines = []
    for row in rows:
        if row.samples:
            cells, last = [cell(row, column, rows) for column in columns], row.note
        else:
            cells = [row.case if column == "case" else "" for column in columns]
            last = f"{'left out' if row.is_skipped else '**failed**'}: {row.failure}"
        lines.append((row.server, *cells, last))
    return _table(("server", *columns, ""), lines)


def cell(row: Row, column: str, rows: Sequence[Row]) -> str:
    """What stands in a column for a row that has figures.

    The column is one of those below, a fact, or `x SERVER`: how many times as fast as that server the row is.
    """
    if column in _COLUMNS:
        return _COLUMNS[column](row)
    if column.startswith("x "):
        base = find(rows, column.removeprefix("x "), row.case)
        return _short(times(row, base)) if base and len(base.samples) == len(row.samples) else ""
    return _short(row.facts[column]) if column in row.facts else ""


_COLUMNS: Final[Mapping[str, Callable[[Row], str]]] = {
    "case": lambda row: row.case,
    **dict.fromkeys(("rate", "requests/s", "MiB/s", "entries/s"), lambda row: _short(row.median("rate"))),
    "per core": lambda row: _short(row.median("per_core")),
    "p50 ms": lambda row: _short(row.median("p50")),
    "p99 ms": lambda row: _short(row.median("p99")),
    "errors": lambda row: str(row.errors),
    "cores busy": lambda row: f"{busy:.2f}" if (busy := row.median("busy")) else "",
}


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(map(_escaped, cells)) + " |" for cells in (head, rule, *lines))


def _escaped(text: str) -> str:
    """Nothing in it ends a cell or a line: failures are quoted from other programs."""
    return text.replace("|", "\\|").replace("\n", " ")


def _short(number: float) -> str:
    """Three significant digits, and no exponent."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
