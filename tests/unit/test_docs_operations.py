"""`docs/operations.md` names what there is to be seen: metrics, their labels, log fields."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import Moved, NotFound, ObjectChanged, StoreDenied
from app.domain.paths import ROOT
from app.storage.observing import outcome_of
from app.telemetry import AccessLine, Metrics

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/operations.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    metrics = Metrics()
    documented = {
        name.removesuffix("_total"): tuple(re.findall("`([a-z]+)`", labels))
        for name, labels in re.findall(
            r"^\| `(pierhead_\w+)` \| ([^|]*) \|", section("Metrics"), re.MULTILINE
        )
    }
    registered = {
        found._name: found._labelnames for found in vars(metrics).values() if hasattr(found, "_labelnames")
    }
    families = {family.name for family in text_string_to_metric_families(metrics.render().decode())}
    assert families == set(registered) == set(documented)
    assert documented == registered


def test_every_route_is_documented_and_no_other() -> None:
    text = "".join(file.read_text() for file in (PROJECT / "app/routes").glob("*.py"))
    routes = set(re.findall(r'\.route = "([a-z-]+)"', text)) | set(
        re.findall(r'route: str = "([a-z]+)"', text)
    )
    routes |= {f"folder-{name}" for name in ("html", "json", "ndjson", "text")}
    sentence = section("Metrics").split("`route` is one of")[1].split("\n\n")[0]
    assert set(re.findall("`([a-z-]+)`", sentence)) == routes


def test_the_outcomes_of_storage_calls_are_documented() -> None:
    errors = (NotFound(), Moved(ROOT), ObjectChanged(), StoreDenied(), ValueError())
    sentence = section("Metrics").split("`outcome` is")[1].split("\n\n")[0]
    assert set(re.findall("`([a-z-]+)`", sentence)) == {"ok", "cancelled", *map(outcome_of, errors)}


def test_the_fields_of_a_log_line_are_documented() -> None:
    rows = re.findall(r"^\| ((?:`[a-z]+`(?:, )?)+) \|", section("Logs"), re.MULTILINE)
    assert {name for row in rows for name in re.findall("`([a-z]+)`", row)} == set(AccessLine._fields)


def test_the_example_line_has_those_fields() -> None:
    line = json.loads(section("Logs").split("```json\n")[1].split("```")[0])
    assert list(line) == [
        *("timestamp", "level", "logger", "event"),
        *(name for name in AccessLine._fields if name != "broken"),
    ]
