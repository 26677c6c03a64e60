"""What the alert rules make of series: Prometheus' own `promtool` evaluates them, over as many days as it takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

PROMETHEUS: Final = Path(__file__).parents[2] / "containers/prometheus"
RULES: Final = PROMETHEUS / "pierhead.rules.yaml"
HOUR: Final = 60
"""In minutes, as everything here."""
DAY: Final = 24 * HOUR

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


def faults_of(directory: Path, series: Series, at: int, firing: Sequence[str], every: int = 1) -> str:
    """What promtool says if other alerts fire than these; empty if it is exactly these.

    Args:
        directory: takes promtool's file.
        series: what was scraped.
        at: when, in minutes after the first value.
        firing: the labels of each alert that must fire, as `alertname="Degraded"`, with `burn` where it has one.
        every: minutes between evaluations of the rules.
    """
    asked = {
        "expr": 'group by (alertname, burn) (ALERTS{alertstate="firing"})',
        "eval_time": f"{at}m",
        "exp_samples": [{"labels": f"{{{labels}}}", "value": 1} for labels in firing],
    }
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [asked],
    }
    file = directory / "alerts.json"  # which is YAML too
    file.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": f"{every}m", "tests": [test]})
    )
    ended = promtool("test", "rules", str(file))
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=300, check=False)
