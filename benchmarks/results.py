"""What was measured: frozen values that can be written as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

ENTRIES = "entries"
"""Name of the fact that says how many entries a row's folder has."""

BODY = "body bytes"
"""Name of the fact that says how long a row's answers are."""


class BenchError(Exception):
    """Why something cannot be measured; it becomes the text of the row."""


class Skipped(BenchError):
    """Why something is left out on purpose: nothing is wrong."""


@dataclass(frozen=True)
class Sample:
    """One measurement.

    Attributes:
        rate: requests answered per second.
        p50: half of the answers took no longer, in milliseconds.
        p99: 99 of 100 answers took no longer, in milliseconds.
        requests: how many were answered.
        errors: answers that were none: another status than 2xx, broken or timed-out connections.
        busy: part of a core that the server used; well below 1 something else was the limit, and the rate
            says less than it seems to.
    """

    rate: float
    p50: float
    p99: float
    requests: int
    errors: int
    busy: float

    @property
    def per_core(self) -> float:
        """Requests for each second of CPU time that the server used: what a core of it, always busy, would
        answer. Unlike the rate it does not depend on how fast the load generator is."""
        return self.rate / self.busy if self.busy else self.rate


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        section: one of `options.SECTIONS`.
        server: who answered.
        case: what was asked for, or under which circumstances.
        samples: one for each repetition, in the order of time.
        facts: further figures by name: entries, connections, bytes of memory...
        note: what has to be known to read the row right.
        failure: why there are no samples.
        is_skipped: whether they were left out on purpose.
    """

    section: str
    server: str
    case: str
    samples: tuple[Sample, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    failure: str = ""
    is_skipped: bool = False

    @property
    def rate(self) -> float:
        """Median over the repetitions, as are the others."""
        return statistics.median(sample.rate for sample in self.samples)

    @property
    def per_core(self) -> float:
        """See `Sample.per_core`."""
        return statistics.median(sample.per_core for sample in self.samples)

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return statistics.median(sample.p50 for sample in self.samples)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return statistics.median(sample.p99 for sample in self.samples)

    @property
    def busy(self) -> float:
        """Part of its core that the server used."""
        return statistics.median(sample.busy for sample in self.samples)

    @property
    def errors(self) -> int:
        """The sum of all repetitions: a single error is one too many."""
        return sum(sample.errors for sample in self.samples)

    def failed(self, reason: Exception) -> Row:
        """The same row without figures."""
        return replace(self, samples=(), failure=str(reason), is_skipped=isinstance(reason, Skipped))


def paired_ratio(row: Row, base: Row, figure: Literal["rate", "per_core", "p50", "p99"] = "rate") -> float:
    """How many times a figure of `base` a row has.

    Each repetition is compared with the repetition of `base` that ran right before or after it, and the
    median of these ratios counts: what slows the machine down for a while slows both sides of a ratio.

    Raises:
        BenchError: one of them has nothing to compare.
    """
    if not row.samples or len(row.samples) != len(base.samples):
        raise BenchError("nothing to compare")
    figures = ((getattr(each, figure) for each in one.samples) for one in (row, base))
    ratios: list[float] = [mine / other for mine, other in zip(*figures, strict=True)]
    return statistics.median(ratios)


def times(row: Row, base: Row) -> float:
    """How many times the requests of `base` a row answers, for certain: by the clock or by the CPU time they
    need, whichever is less. Where the load generator is the limit, the clock makes all servers look alike; where
    a server waits for something else, the clock makes it look slower than it is.
    """
    return min(row.rate / base.rate, row.per_core / base.per_core)


def find(rows: Sequence[Row], section: str, server: str, case: str) -> Row | None:
    """The one row that has figures for this, if there is one."""
    for row in rows:
        if (row.section, row.server, row.case) == (section, server, case) and row.samples:
            return row
    return None
