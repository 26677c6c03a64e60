"""The alert rules use metrics that the server has, with labels that they have, and the runbook says what to do."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.telemetry import Metrics
from tests.support.alert_rules import RULES
from tests.unit.test_docs_operations import section

TEXT = RULES.read_text()
ALERTS = re.findall(r"^ +- alert: (\w+)$", TEXT, re.MULTILINE)
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}
OF_TARGETS = {"job", "instance"}
"""Labels that Prometheus adds."""


def names_with_labels() -> dict[str, set[str]]:
    """Every name that a scrape can show, with its labels."""
    metrics = Metrics()
    labels = {
        found._name: set(found._labelnames)
        for found in vars(metrics).values()
        if hasattr(found, "_labelnames")
    }
    return {
        family.name + suffix: labels.get(family.name, set()) | OF_TARGETS
        for family in text_string_to_metric_families(metrics.render().decode())
        for suffix in SUFFIXES.get(family.type, ())
    }


def used() -> list[tuple[str, str]]:
    """Each metric of the server in a rule, with what selects its series."""
    return re.findall(r"(?<![\w:])((?:pierhead|process)_\w+)(?:\{([^}]*)\})?", TEXT)


def test_the_rules_use_only_what_the_server_shows() -> None:
    known = names_with_labels()
    assert len(used()) > 20
    assert {name for name, _ in used()} <= known.keys()
    for name, selected in used():
        assert set(re.findall(r"(\w+)(?:=|!)", selected)) <= known[name], name


def test_recorded_series_are_used_and_those_used_are_recorded() -> None:
    recorded = re.findall(r"record: (\S+)$", TEXT, re.MULTILINE)
    assert len(set(recorded)) == len(recorded)
    used_ones = re.findall(r"(?<!record: )\bpierhead:\w+:\w+", TEXT)
    assert set(used_ones) == set(recorded)


def test_the_runbook_has_each_alert_and_no_other() -> None:
    sections = re.findall(r"^### (\w+)$", section("Alerts"), re.MULTILINE)
    assert sorted(sections) == sorted(set(ALERTS))


@pytest.mark.parametrize("alert", sorted(set(ALERTS)))
def test_a_section_says_what_it_means_where_to_look_and_what_to_do(alert: str) -> None:
    text = section("Alerts").split(f"\n### {alert}\n")[1].split("\n### ")[0].strip()
    assert re.match(r"[A-Z].*?\n\n- Look at: .*?\n- Do: ", text, re.DOTALL), text


def test_each_alert_leads_to_its_section() -> None:
    for rule in TEXT.split("- alert: ")[1:]:
        name = rule.split()[0]
        assert f"#{name.lower()}\n" in rule or "annotations: *" in rule
        assert "severity: page" in rule or "severity: ticket" in rule
