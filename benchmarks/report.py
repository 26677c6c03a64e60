"""From rows to Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.contenders import AUTOINDEX, CONTENDERS, FLOOR, PIERHEAD, PIERHEAD_S3
from benchmarks.crowd import CLIENTS
from benchmarks.downloads import CASE as DOWNLOAD_CASE
from benchmarks.downloads import STRAIGHT
from benchmarks.growth import BOUND, MEMORY, PEAK
from benchmarks.listing import AIOBOTO3, CALLS, HELD
from benchmarks.listing import CASE as LISTING_CASE
from benchmarks.redirect import CASE as REDIRECT_CASE
from benchmarks.results import BODY, Row, find, paired_ratio, times
from benchmarks.served_listing import FIRST_ENTRY, WHOLE
from benchmarks.slow_clients import CLIENTS as SLOW_CLIENTS
from benchmarks.slow_clients import STREAMS
from benchmarks.targets import Verdict

BEGIN: Final = "<!-- figures: begin; written by `make bench`, do not edit -->"
END: Final = "<!-- figures: end -->"

_BESIDE_FLOOR = (PIERHEAD, PIERHEAD_S3)
"""Who is measured right before or after the floor."""

_STRENGTHS = {contender.name: contender.strength for contender in CONTENDERS}


class Column(NamedTuple):
    """Attributes:
    title: its head.
    cell: what stands in it for a row that has figures.
    """

    title: str
    cell: Callable[[Row], str]


def render(rows: Sequence[Row], verdicts: Sequence[Verdict], machine: Mapping[str, str]) -> str:
    """Everything that stands between the markers of docs/benchmarks.md."""
    parts = [
        "; ".join(f"{name}: {value}" for name, value in machine.items()) + ".",
        "### Targets",
        _table(("target", "measured", "met"), [(v.target, v.measured, _met(v)) for v in verdicts]),
        *_warm(rows),
        *_section("Cold listings, 100 entries, each folder asked for once", rows, "cold", _LATENCY),
        *_section("Warm listing while S3 is slow or gone", rows, "slow-s3", [*_LATENCY, _S3_REQUESTS]),
        *_section("Warm listing as the bucket grows", rows, "growth", [*_COMMON, *_MEMORY]),
        *_section(f"{CLIENTS:,} keep-alive clients", rows, "crowd", [*_COMMON, _PEAK]),
        *_section("Download from S3 by redirect", rows, "redirect", [*_COMMON, _of_redirect_floor(rows)]),
        *_section("A large folder of S3, listed for the first time", rows, "listing", _listing(rows)),
        *_section("A warm page while a large folder is listed", rows, "served-listing", _SERVED),
        *_section("Download from S3 through Pierhead", rows, "downloads", _downloads(rows)),
        *_section(f"{SLOW_CLIENTS:,} slow downloads", rows, "slow-clients", [*_LATENCY, _STREAMS, _PEAK]),
    ]
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


def _warm(rows: Sequence[Row]) -> list[str]:
    """A table for each case: every size, and every further representation."""
    cases = dict.fromkeys(row.case for row in rows if row.section == "warm" and row.server != FLOOR)
    return [part for case in cases for part in _warm_case(rows, case)]


def _warm_case(rows: Sequence[Row], case: str) -> list[str]:
    floor, autoindex, pierhead = (find(rows, "warm", name, case) for name in (FLOOR, AUTOINDEX, PIERHEAD))
    columns = [
        *_COMMON,
        _BODY,
        Column("x floor", lambda row: _of_floor(row, floor)),
        Column("x nginx autoindex", lambda row: _times(row, autoindex)),
        Column("", lambda row: _remarks(row, pierhead)),
    ]
    chosen = [row for row in rows if row.section == "warm" and row.case == case]
    return [f"### Warm listing, {case}", _rows(chosen, columns)]


def _section(title: str, rows: Sequence[Row], section: str, columns: Sequence[Column]) -> list[str]:
    chosen = [row for row in rows if row.section == section]
    if not chosen:
        return []
    return [f"### {title}", _rows(chosen, [_CASE, *columns, _NOTE])]


def _of_redirect_floor(rows: Sequence[Row]) -> Column:
    floor = find(rows, "redirect", FLOOR, REDIRECT_CASE)
    return Column("x floor", lambda row: _of_floor(row, floor))


def _listing(rows: Sequence[Row]) -> list[Column]:
    beside = find(rows, "listing", AIOBOTO3, LISTING_CASE)
    return [
        Column("seconds", lambda row: f"{row.p50 / 1e3:.2f}"),
        Column("times aioboto3", lambda row: "" if beside is None else _short(paired_ratio(row, beside))),
        Column("CPU seconds", lambda row: f"{row.busy * row.p50 / 1e3:.2f}"),
        Column("S3 calls", lambda row: f"{row.facts[CALLS]:,.0f}"),
        Column("loop held at most, ms", lambda row: _short(row.facts[HELD])),
    ]


def _downloads(rows: Sequence[Row]) -> list[Column]:
    straight = find(rows, "downloads", STRAIGHT, DOWNLOAD_CASE)
    return [
        Column("MiB/s", lambda row: _short(row.rate)),
        Column("of straight", lambda row: "" if straight is None else _short(paired_ratio(row, straight))),
        Column("cores busy", lambda row: f"{row.busy:.2f}" if row.busy else ""),
    ]


def _fact(row: Row, name: str) -> str:
    return _short(row.facts[name]) if name in row.facts else ""


def _rows(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    lines = []
    for row in rows:
        if row.samples:
            lines.append((row.server, *(column.cell(row) for column in columns)))
        else:
            shown = (column.cell(row) if column is _CASE else "" for column in columns[:-1])
            lines.append(
                (row.server, *shown, f"{'left out' if row.is_skipped else '**failed**'}: {row.failure}")
            )
    return _table(("server", *(column.title for column in columns)), lines)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(map(_cell, cells)) + " |" for cells in (head, rule, *lines))


def _cell(text: str) -> str:
    """Nothing in it ends a cell or a line: failures are told in others' words."""
    return text.replace("|", "\\|").replace("\n", " ")


def _of_floor(row: Row, floor: Row | None) -> str:
    """The paired ratio where the rows ran side by side; else that of the medians."""
    if floor is not None and row.server in _BESIDE_FLOOR and len(row.samples) == len(floor.samples):
        return _short(min(paired_ratio(row, floor), paired_ratio(row, floor, "per_core")))
    return _times(row, floor)


def _times(row: Row, base: Row | None) -> str:
    return "" if base is None else _short(times(row, base))


def _remarks(row: Row, pierhead: Row | None) -> str:
    """What is to be known, and where a peer wins, at what and why."""
    said = [row.note] if row.note else []
    if pierhead is not None and (strength := _STRENGTHS.get(row.server)):
        won = ["requests/s"] if times(pierhead, row) < 1 else []
        won += ["p99"] if row.p99 < pierhead.p99 else []
        if won:
            said.append(f"**ahead of Pierhead** in {' and '.join(won)}: {strength}")
    return "; ".join(said)


def _met(verdict: Verdict) -> str:
    return {None: "not measured", True: "yes", False: "**no**"}[verdict.is_met]


def _short(number: float) -> str:
    """Three digits that count, and no exponent."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _mib(row: Row, name: str) -> str:
    return f"{row.facts[name] / 2**20:.0f} MiB"


_RATE = Column("requests/s", lambda row: _short(row.rate))
_LATENCY = [
    Column("p50 ms", lambda row: _short(row.p50)),
    Column("p99 ms", lambda row: _short(row.p99)),
    Column("errors", lambda row: str(row.errors)),
]
_COMMON = [
    _RATE,
    Column("per core", lambda row: _short(row.per_core)),
    *_LATENCY,
    Column("cores busy", lambda row: f"{row.busy:.2f}"),
]
_BODY = Column("body", lambda row: f"{row.facts[BODY]:,.0f}" if BODY in row.facts else "")
_MEMORY = [
    Column("memory", lambda row: _mib(row, MEMORY)),
    Column("at most", lambda row: _mib(row, PEAK)),
    Column("bound", lambda row: _mib(row, BOUND)),
]
_PEAK = Column("memory at most", lambda row: _mib(row, PEAK))
_SERVED = [
    *_LATENCY,
    Column("first entry of the folder ms", lambda row: _fact(row, FIRST_ENTRY)),
    Column("all of it ms", lambda row: _fact(row, WHOLE)),
]
_STREAMS = Column("downloads to the end", lambda row: f"{row.facts[STREAMS]:,.0f}")
_S3_REQUESTS = Column("S3 requests", lambda row: f"{row.facts['S3 requests']:,.0f}")
_CASE = Column("case", lambda row: row.case)
_NOTE = Column("", lambda row: row.note)
