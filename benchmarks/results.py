"""What was measured: frozen values that can be written as JSON, and how they are compared."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Figure = Literal["rate", "per_core", "p50", "p99", "busy"]


class BenchError(Exception):
    """Why something cannot be measured; it becomes the text of the row."""


class Skipped(BenchError):
    """Why something is left out on purpose: nothing is wrong."""


@dataclass(frozen=True)
class Sample:
    """One measurement.

    Attributes:
        rate: requests answered per second, or what the section counts instead.
        p50: half of the answers took no longer, in milliseconds.
        p99: 99 of 100 answers took no longer, in milliseconds.
        requests: how many were answered.
        errors: answers with another status than 2xx or 3xx, broken or timed-out connections.
        busy: cores that the server used; 0 where that is not known.
        facts: further figures, by the title of their column.
    """

    rate: float
    p50: float
    p99: float
    requests: int
    errors: int = 0
    busy: float = 0.0
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_core(self) -> float:
        """Requests for each second of CPU time of the server. It does not depend on the load generator."""
        return self.rate / self.busy if self.busy else self.rate


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        server: who answered.
        case: what was asked for, or under which circumstances.
        samples: one for each repetition, in the order of time.
        facts: further figures, by the title of their column.
        note: what a reader has to know about this row.
        failure: why there are no samples.
        is_skipped: whether they were left out on purpose.
    """

    server: str
    case: str
    samples: tuple[Sample, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    failure: str = ""
    is_skipped: bool = False

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
    """How many times a figure of `base` a row has.

    Each repetition is compared with the one of `base` that ran close to it, and the median of these ratios counts:
    what slows the machine down for a while slows both sides of a ratio.

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

    Raises:
        BenchError: see `paired`.
    """
    return min(paired(row, base, "rate"), paired(row, base, "per_core"))


@dataclass(frozen=True)
class Goal:
    """What a section's rows are held against.

    Attributes:
        text: in words.
        figure: the number that counts; None where a row is missing.
        at_least, at_most: between which it has to be.
        unit: of the number.
    """

    text: str
    figure: Callable[[Sequence[Row]], float | None]
    at_least: float = 0.0
    at_most: float = float("inf")
    unit: str = "times"


def times_of(case: str, server: str, *bases: str) -> Callable[[Sequence[Row]], float | None]:
    """The figure of a goal: how many times as fast as the fastest of some others a server is."""

    def figure(rows: Sequence[Row]) -> float | None:
        row = find(rows, server, case)
        others = [other for base in bases if (other := find(rows, base, case))]
        return min(times(row, other) for other in others) if row and others else None

    return figure


def fact_of(case: str, server: str, name: str) -> Callable[[Sequence[Row]], float | None]:
    """The figure of a goal: a fact, or `rate`, `p99` or `errors`, of one row."""

    def figure(rows: Sequence[Row]) -> float | None:
        row = find(rows, server, case)
        if row is None:
            return None
        known = {"rate": row.median("rate"), "p99": row.median("p99"), "errors": row.errors}
        return known.get(name, row.facts.get(name))

    return figure
