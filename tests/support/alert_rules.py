"""What the alert rules make of series: Prometheus' own `promtool` evaluates them, over as many days as it takes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PROMETHEUS: Final = Path(__file__).parents[2] / "containers/prometheus"
RULES: Final = PROMETHEUS / "pierhead.rules.yaml"
HOUR: Final = 60
"""In minutes, as everything here."""
DAY: Final = 24 * HOUR
_FAULT: Final = re.compile(r'expr: "[^\n]*region=~\\"(\d+)\|(?:(?!expr: ).)*', re.DOTALL)
"""What promtool prints of an expression that is not as expected."""

Series = dict[str, str]
"""Values by series, one value a minute, as promtool writes them."""


class Phase(NamedTuple):
    """How things are for a while.

    Attributes:
        minutes: how long.
        events: how many a minute.
        seconds: how long each takes.
    """

    minutes: int
    events: float
    seconds: float = 0.0


def counter(series: str, phases: Sequence[Phase]) -> Series:
    """A counter of the events."""
    return {series: _growing([(phase.minutes, phase.events) for phase in phases])}


def timed(name: str, labels: str, phases: Sequence[Phase]) -> Series:
    """The count and the sum of a histogram, for one set of labels."""
    spent = [(phase.minutes, phase.events * phase.seconds) for phase in phases]
    return {
        **counter(f"{name}_count{{{labels}}}", phases),
        f"{name}_sum{{{labels}}}": _growing(spent),
    }


def gauge(series: str, value: float, minutes: int) -> Series:
    """A gauge that stays."""
    return {series: f"{value:.6f}x{minutes}"}


def _growing(phases: Sequence[tuple[int, float]]) -> str:
    parts, total = [], 0.0
    for minutes, step in phases:
        parts.append(f"{total + step:.9f}+{step:.9f}x{minutes - 1}")
        total += minutes * step
    return " ".join(parts)


class Case(NamedTuple):
    """What is scraped of a region, and what must fire there.

    Attributes:
        series: without a region.
        at: when to look, in minutes after the first value.
        firing: the labels of each alert that must fire, as `alertname="Degraded"`, with `burn` where it has one.
    """

    series: Series
    at: int
    firing: Sequence[str] = ()

    def scraped(self, region: int) -> list[dict[str, str]]:
        """The series of a region, as promtool wants them."""
        return [
            {"series": name.replace("{", f'{{region="{region}",', 1), "values": values}
            for name, values in self.series.items()
        ]

    def asked(self, region: int) -> dict[str, object]:
        """Which alerts fire in a region or in none, as promtool wants it."""
        return {
            "expr": f'group by (alertname, burn) (ALERTS{{alertstate="firing",region=~"{region}|"}})',
            "eval_time": f"{self.at}m",
            "exp_samples": [{"labels": f"{{{labels}}}", "value": 1} for labels in self.firing],
        }


def faults_of(directory: Path, cases: Mapping[str, Case], every: int = 1) -> dict[str, str]:
    """What promtool says of each case, by its name; empty where exactly those alerts fire that must.

    Each case is a region of one evaluation, since the cost of that is the steps it takes and not the series.

    Args:
        directory: takes promtool's file.
        every: minutes between evaluations of the rules.

    Raises:
        AssertionError: promtool says something else.
    """
    regions = dict(enumerate(cases.values()))
    test = {
        "interval": "1m",
        "input_series": [one for region, case in regions.items() for one in case.scraped(region)],
        "promql_expr_test": [case.asked(region) for region, case in regions.items()],
    }
    file = directory / "alerts.json"  # which is YAML too
    file.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": f"{every}m", "tests": [test]})
    )
    ended = promtool("test", "rules", str(file))
    printed = ended.stdout + ended.stderr
    said = {int(part[1]): part[0] for part in _FAULT.finditer(printed)}
    assert bool(said) == bool(ended.returncode), printed
    return {name: said.get(region, "") for region, name in enumerate(cases)}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=300, check=False)
