"""The dashboard for Grafana, as its file has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

DASHBOARD: Final = Path(__file__).parents[2] / "containers/grafana/dashboards/pierhead.json"
VARIABLES: Final = {"$__rate_interval": "5m", "$instance": ".+"}
"""What Grafana puts in their place."""

Panel = dict[str, Any]


def dashboard() -> dict[str, Any]:
    """The whole of it."""
    whole: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return whole


def panels() -> list[Panel]:
    """Those that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """What the panels and the annotations ask Prometheus, with values in place of Grafana's variables."""
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    asked += [annotation["expr"] for annotation in dashboard()["annotations"]["list"]]
    return [filled_in(expression) for expression in asked]


def filled_in(expression: str) -> str:
    """With values in place of Grafana's variables."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression
