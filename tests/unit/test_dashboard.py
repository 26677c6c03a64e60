"""The dashboard asks for what the server shows, and each panel can be read."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from tests.support.alert_rules import RULES
from tests.support.dashboard import Panel, dashboard, expressions, filled_in, panels
from tests.support.promql import faults_in, named_in, scraped

EACH_PANEL = pytest.mark.parametrize("panel", panels(), ids=[panel["title"] for panel in panels()])


def test_it_asks_only_for_what_the_server_shows() -> None:
    text = "\n".join(expressions())
    assert len(named_in(text)) > 30
    assert faults_in(text) == []


def test_it_shows_every_metric_of_the_server() -> None:
    shown = {re.sub("_(count|sum|bucket)$", "", name) for name in named_in("\n".join(expressions()))}
    own = {re.sub("_(count|sum|bucket)$", "", name) for name in scraped() if name.startswith("pierhead_")}
    assert {name for name in own if not name.endswith("_created")} - shown == set()


def test_it_knows_no_other_variable_of_grafana() -> None:
    named = {variable["name"] for variable in dashboard()["templating"]["list"]}
    assert named == {"datasource", "instance"}
    assert not [expression for expression in expressions() if "$" in expression]


def test_each_alert_that_it_marks_exists() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    marked = re.findall(r'alertname=~"([^"]+)"', "\n".join(expressions()))
    assert marked
    assert set("|".join(marked).split("|")) <= alerts


@EACH_PANEL
def test_a_panel_says_what_it_shows_and_in_what_unit(panel: Panel) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@EACH_PANEL
def test_a_legend_names_labels_that_the_answer_has(panel: Panel) -> None:
    for target in panel["targets"]:
        expression = filled_in(target["expr"])
        sums = [set(re.findall(r"\w+", by)) for by in re.findall(r"by \(([^)]*)\)", expression)]
        labels = [scraped()[name] for name in named_in(expression) if ":" not in name]
        for by in sums:
            assert by <= set.union(*labels), expression
        if labels:
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set.union(*(sums or labels))


def test_no_panel_lies_on_another() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    cells = [
        {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        for place in (panel["gridPos"] for panel in everything)
    ]
    assert all(column < 24 for cell in cells for column, _ in cell)
    assert not [1 for one, other in combinations(cells, 2) if one & other]
