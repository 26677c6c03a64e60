"""`docs/operations.md` names what there is to be seen: metrics, their labels, log fields."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import Moved, NotFound, ObjectArchived, ObjectChanged, ObjectEncrypted, StoreDenied
from app.domain.paths import ROOT
from app.pages.representations import REPRESENTATIONS, SEARCHED
from app.storage.observation import outcome_of
from app.telemetry import AccessLine, Metrics
from app.telemetry.access_log import SOMETIMES
from app.telemetry.audit import COMMON_FIELDS
from app.telemetry.audit_events import EVENTS, AuditEvent, LoggedIn

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/operations.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def subsection(title: str) -> str:
    return PAGE.split(f"\n### {title}\n")[1].split("\n### ")[0]


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    metrics = Metrics()
    documented = {
        name.removesuffix("_total"): tuple(re.findall("`([a-z]+)`", labels))
        for name, labels in re.findall(r"^\| `(pierhead_\w+)` \| ([^|]*)\|", section("Metrics"), re.MULTILINE)
    }
    registered = {
        found._name: found._labelnames
        for found in vars(metrics).values()
        if hasattr(found, "_labelnames") and found._name.startswith("pierhead_")
    }
    rendered = {family.name for family in text_string_to_metric_families(metrics.render().decode())}
    # When a counter without labels was made is no figure of this server, and `process_*` are no figures of its own.
    families = {name for name in rendered if name.startswith("pierhead_") and not name.endswith("_created")}
    assert families == set(registered) == set(documented)
    assert documented == registered


def test_every_route_is_documented_and_no_other() -> None:
    files = [file for room in ("routes", "responses") for file in (PROJECT / "app" / room).glob("*.py")]
    text = "".join(file.read_text() for file in files)
    routes = set(re.findall(r'\.route = "([a-z-]+)"', text))
    routes |= set(re.findall(r'route: str = "([a-z]+)"', text))
    routes |= {name for file in files for name in _router_names(ast.parse(file.read_text()))}
    routes |= {f"folder-{name}" for name in REPRESENTATIONS} | {f"search-{name}" for name in SEARCHED}
    sentence = section("Metrics").split("`route` is one of")[1].split("\n\n")[0]
    assert set(re.findall("`([a-z-]+)`", sentence)) == routes


def _router_names(module: ast.Module) -> Iterator[str]:
    """The names of the routes that a module's routers have: as said, or else those of their functions."""
    for function in (node for node in ast.walk(module) if isinstance(node, ast.AsyncFunctionDef)):
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).startswith("router."):
                said = [ast.literal_eval(word.value) for word in decorator.keywords if word.arg == "name"]
                yield said[0] if said else function.name
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) == "form_router":
            name = ast.literal_eval(call.args[1])
            yield from (name, f"{name}-answer")


def test_the_outcomes_of_storage_calls_are_documented() -> None:
    refusals = (ObjectArchived(None), ObjectEncrypted(), StoreDenied())
    errors = (NotFound(), Moved(ROOT), ObjectChanged(), *refusals, ValueError())
    sentence = section("Metrics").split("`outcome` is")[1].split("\n\n")[0]
    assert set(re.findall("`([a-z-]+)`", sentence)) == {"ok", "cancelled", *map(outcome_of, errors)}


def test_the_fields_of_a_log_line_are_documented() -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", section("Logs").split("\n### ")[0], re.MULTILINE)
    assert {name for row in rows for name in re.findall("`([a-z_]+)`", row)} == {
        *AccessLine._fields,
        "site",  # the log of a site adds it to every line
    }


def test_the_events_of_the_audit_log_are_documented_with_their_fields() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", subsection("The audit log"), re.MULTILINE)
    documented = {name: re.findall("`([a-z0-9]+)`", fields_of) for name, fields_of in rows}
    assert documented == {kind.event: [field.name for field in fields(kind)] for kind in EVENTS}
    assert set(EVENTS) == set(AuditEvent.__subclasses__())


def test_the_example_of_an_event_has_those_fields() -> None:
    line = json.loads(subsection("The audit log").split("```json\n")[1].split("```")[0])
    assert list(line) == [*COMMON_FIELDS, *(field.name for field in fields(LoggedIn))]


def test_the_example_line_has_those_fields() -> None:
    line = json.loads(section("Logs").split("```json\n")[1].split("```")[0])
    assert list(line) == [
        *("timestamp", "level", "logger", "event"),
        *(name for name in AccessLine._fields if name not in SOMETIMES),
    ]
