"""PromQL held against the server: which of its metrics, labels and values an expression names that there are not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from app.telemetry import Metrics
from tests.support.alert_rules import RULES
from tests.unit.test_docs_operations import section

_SUFFIXES: Final = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}
_OF_TARGETS: Final = {"job", "instance"}
"""Labels that Prometheus adds."""
_SELECTOR: Final = re.compile(r"(?<![\w:])((?:pierhead|process)_\w+|pierhead:\w+:\w+)(?:\{([^}]*)\})?")
_MATCHER: Final = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_DOCUMENTED: Final = set(re.findall(r"`([a-z0-9-]+)`", section("Metrics") + section("Logs")))


def scraped() -> dict[str, set[str]]:
    """Every name that a scrape can show, with its labels."""
    metrics = Metrics()
    labels = {
        found._name: set(found._labelnames)
        for found in vars(metrics).values()
        if hasattr(found, "_labelnames")
    }
    return {
        family.name + suffix: labels.get(family.name, set())
        | _OF_TARGETS
        | ({"le"} if suffix == "_bucket" else set())
        for family in text_string_to_metric_families(metrics.render().decode())
        for suffix in _SUFFIXES.get(family.type, ())
    }


def recorded() -> set[str]:
    """Every series that the rules record."""
    return set(re.findall(r"record: (\S+)$", RULES.read_text(), re.MULTILINE))


def named_in(text: str) -> list[str]:
    """Each of the server's metrics and of the recorded series, as often as the text has it."""
    return [name for name, _ in _SELECTOR.findall(text)]


def faults_in(text: str) -> list[str]:
    """What the text names that there is not: metrics, labels of a metric, and values of a label."""
    return list(_faults_in(text))


def _faults_in(text: str) -> Iterator[str]:
    known = scraped()
    for name, matchers in _SELECTOR.findall(text):
        if ":" in name:
            if name not in recorded():
                yield f"{name} is not recorded"
            continue
        if name not in known:
            yield f"{name} is not scraped"
            continue
        for label, value in _MATCHER.findall(matchers):
            if label not in known[name]:
                yield f"{name} has no label {label}"
            elif label not in _OF_TARGETS | {"status"}:
                yield from (f"{label} is never {one}" for one in value.split("|") if not _is_known(one))


def _is_known(value: str) -> bool:
    """Whether a value, or what a pattern of it finds, is documented."""
    return value == "" or any(re.fullmatch(value, word) for word in _DOCUMENTED)
