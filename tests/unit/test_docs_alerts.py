"""The alert rules use metrics that the server has, with labels that they have, and the runbook says what to do."""

from __future__ import annotations

import re

import pytest

from tests.support.alert_rules import RULES
from tests.support.promql import faults_in, named_in, recorded
from tests.unit.test_docs_operations import section

TEXT = RULES.read_text()
ALERTS = re.findall(r"^ +- alert: (\w+)$", TEXT, re.MULTILINE)


def test_the_rules_use_only_what_the_server_shows() -> None:
    assert len(named_in(TEXT)) > 20
    assert faults_in(TEXT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("pierhead_ready", "pierhead_well", "pierhead_well is not scraped"),
        ("(pierhead_folders_closed_total", "(pierhead_folders_closed", "pierhead_folders_closed is not scraped"),
        ('{outcome="denied"}', '{result="denied"}', "pierhead_storage_call_duration_seconds_count has no label result"),
        ('{event="failover"}', '{event="fail-over"}', "event is never fail-over"),
        ('cache=~"miss|coalesced"', 'cache=~"miss|joined"', "cache is never joined"),
        ('route=~"folder-.*|api-.*"', 'route=~"folder-.*|legacy-.*"', "route is never legacy-.*"),
        ("/ pierhead:answers:rate5m", "/ pierhead:answers:rate9m", "pierhead:answers:rate9m is not recorded"),
    ],
)  # fmt: skip
def test_what_the_server_does_not_show_is_found(right: str, wrong: str, fault: str) -> None:
    text = TEXT + "/ pierhead:answers:rate5m"
    assert right in text
    assert fault in faults_in(text.replace(right, wrong))


def test_each_series_is_recorded_once_and_used() -> None:
    assert len(re.findall(r"record: ", TEXT)) == len(recorded())
    assert set(re.findall(r"(?<!record: )\bpierhead:\w+:\w+", TEXT)) == recorded()


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
