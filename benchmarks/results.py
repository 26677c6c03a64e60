"""What was measured: frozen values that can be written as JSON, and how they are compared."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

Figure = Literal["rate", "per_core", "p50", "p99", "busy"]


class BenchError(Exception):
    """Why something cannot be measured; it becomes the text of the row."""


class Skipped(BenchError):
    """Why something is left out on purpose: nothing is wrong."""


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    rate: float  # requests answered per second, or what the section counts instead
    p50: float  # milliseconds that half of the answers took at most
    p99: float
    requests: int
    errors: int = 0  # answers with another status than 2xx or 3xx, broken or timed-out connections
    busy: float = 0.0  # cores that the server used; 0 where that is not known
    facts: Mapping[str, float] = field(default_factory=dict)  # further figures, by the title of their column

    @property
    def per_core(self) -> float:
        """Requests for each second of CPU time of the server. It does not depend on the load generator."""
        return self.rate / self.busy if self.busy else self.rate


@dataclass(frozen=True)
class Row:
    """One line of a table: a server, what it was asked for, and one sample for each repetition."""

    server: str
    case: str
    samples: tuple[Sample, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    failure: str = ""  # why there are no samples
    is_skipped: bool = False  # on purpose

    def median(self, figure: Figure) -> float:
        """The median over the repetitions."""
        figures: list[float] = [getattr(sample, figure) for sample in self.samples]
        return statistics.median(figures)

    @property
    def errors(self) -> int:
        """The sum of all repetitions: a single error is one too many."""
        return sum(sample.errors for sample in self.samples)

    def measured(self, samples: Sequence[Sample]) -> Row:
        """The same row with its samples. Of each of their facts it has the largest."""
        facts = dict(self.facts)
        for sample in samples:
            facts |= {name: max(value, facts.get(name, value)) for name, value in sample.facts.items()}
        return replace(self, samples=tuple(samples), facts=facts)

    def failed(self, reason: Exception) -> Row:
        """The same row without figures."""
        return replace(self, samples=(), failure=str(reason), is_skipped=isinstance(reason, Skipped))

    def noted(self, note: str) -> Row:
        """The same row with one more note."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))


def find(rows: Sequence[Row], server: str, case: str) -> Row | None:
    """The row that has figures for this, if there is one."""
    return next((row for row in rows if (row.server, row.case) == (server, case) and row.samples), None)


def paired(row: Row, base: Row, figure: Figure) -> float:
    """How many times a figure of `base` a row has: the median of the ratios of repetitions that ran close together.

    Raises:
        BenchError: they do not have the same repetitions.
    """
    if not row.samples or len(row.samples) != len(base.samples):
        raise BenchError("nothing to compare")
    pairs = zip(row.samples, base.samples, strict=True)
    ratios: list[float] = [getattr(mine, figure) / getattr(other, figure) for mine, other in pairs]
    return statistics.median(ratios)


def times(row: Row, base: Row) -> float:
    """How many times as fast as `base` a row is: by the clock or by CPU time, whichever is less.

    A slow load generator makes all servers look alike by the clock, and a server that waits looks slower than it is.
    """
    return min(paired(row, base, "rate"), paired(row, base, "per_core"))


@dataclass(frozen=True)
class Goal:
    """What a section's rows are held against: a figure (None where a row is missing), and its limits."""

    text: str
    figure: Callable[[Sequence[Row]], float | None]
    at_least: float = 0.0
    at_most: float = float("inf")
    unit: str = "times"


def times_of(case: str, server: str, bases: Sequence[str], rows: Sequence[Row]) -> float | None:
    """How many times as fast as the fastest of some others a server is."""
    row = find(rows, server, case)
    others = [other for base in bases if (other := find(rows, base, case))]
    return min(times(row, other) for other in others) if row and others else None


def speed_goal(text: str, case: str, server: str, *bases: str, at_least: float) -> Goal:
    """A server is so many times as fast as the fastest of some others."""
    return Goal(text, partial(times_of, case, server, bases), at_least)


def fact_goal(
    text: str,
    case: str,
    server: str,
    name: str,
    *,
    at_least: float = 0.0,
    at_most: float = float("inf"),
    unit: str,
) -> Goal:
    """A fact, or `rate`, `p99` or `errors`, of one row is within its limits."""

    def figure(rows: Sequence[Row]) -> float | None:
        row = find(rows, server, case)
        if row is None:
            return None
        known = {"rate": row.median("rate"), "p99": row.median("p99"), "errors": row.errors}
        return known.get(name, row.facts.get(name))

    return Goal(text, figure, at_least, at_most, unit)
