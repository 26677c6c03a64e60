"""The alert rules, evaluated by Prometheus: which fire for what, and that nothing else does. Costs 10 seconds of a processor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.alert_rules import (
    DAY,
    HOUR,
    PROMETHEUS,
    RULES,
    Case,
    Phase,
    Series,
    counter,
    faults_of,
    gauge,
    promtool,
    timed,
)
from tests.support.dashboard import expressions

CALLS = "pierhead_storage_call_duration_seconds"
PAGES = "pierhead_page_duration_seconds"
REPLICA = 'job="pierhead",instance="a:8001"'
WEEK = 8 * DAY
"""With the last day, with which nothing is compared."""
SELDOM = 20
"""Minutes between evaluations of rules that look back over a week: a slowness of an hour is seen by three."""


def calls(*phases: Phase, operation: str = "list", outcome: str = "ok") -> Series:
    return timed(CALLS, f'{REPLICA},store="primary",operation="{operation}",outcome="{outcome}"', phases)


def pages(*phases: Phase, route: str = "folder-html", status: int = 200, cache: str = "fast") -> Series:
    return timed(PAGES, f'{REPLICA},route="{route}",status="{status}",cache="{cache}"', phases)


def slower(before: float, after: float, events: float = 5, history: int = WEEK) -> tuple[Phase, Phase]:
    return Phase(history, events, before), Phase(HOUR, events, after)


FAST = pages(Phase(WEEK + HOUR, 500, 0.0001))
"""The cache answers whatever the storage does."""


def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    for kind, file in ("rules", RULES), ("config", PROMETHEUS / "prometheus.yaml"):
        checked = promtool("check", kind, str(file))
        assert checked.returncode == 0, checked.stderr


def taken(directory: Path, expressions: Sequence[str]) -> str:
    """What promtool says of expressions that it does not understand."""
    rules = [{"record": f"asked:{number}", "expr": text} for number, text in enumerate(expressions)]
    file = directory / "asked.json"  # which is YAML too
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    checked = promtool("check", "rules", "--lint=none", str(file))
    return checked.stderr if checked.returncode else ""


def test_prometheus_understands_what_the_dashboard_asks(tmp_path: Path) -> None:
    assert taken(tmp_path, expressions()) == ""
    assert "parse error" in taken(tmp_path, [*expressions(), "sum by (route) (rate(up[5m])"])


def len_of(series: Series) -> int:
    """How many minutes the longest series has."""
    return max(sum(int(part.rpartition("x")[2]) + 1 for part in values.split()) for values in series.values())


def told_by_its_week(series: Series, *alerts: str) -> Case:
    """Looked at in the end."""
    return Case(series, len_of(series) - SELDOM, [f'alertname="{name}"' for name in alerts])


SLOW_FOR_A_DAY = calls(Phase(WEEK, 5, 0.03), Phase(DAY, 5, 0.12), Phase(HOUR, 5, 0.03))
SLOWNESS = {
    "storage, hidden by the cache": told_by_its_week(calls(*slower(0.03, 0.12)) | FAST, "StorageSlow"),
    "a storage that is slow anyway": told_by_its_week(calls(*slower(0.3, 1.2)) | FAST, "StorageSlow"),
    "slow, but as ever": told_by_its_week(calls(*slower(2, 2)) | FAST),
    "storage, half as fast": told_by_its_week(calls(*slower(0.03, 0.06)) | FAST),
    "too fast for anyone to notice": told_by_its_week(calls(*slower(0.001, 0.004)) | FAST),
    "too few calls to say": told_by_its_week(calls(*slower(0.03, 0.12, events=0.5))),
    "no week yet": told_by_its_week(calls(*slower(0.03, 0.12, history=20 * HOUR))),
    "one operation among many fast ones": told_by_its_week(
        calls(*slower(0.03, 0.12)) | calls(*slower(0.002, 0.002, events=9000), operation="head"),
        "StorageSlow",
    ),
    "calls that were given up": told_by_its_week(
        calls(*slower(0.03, 0.03)) | calls(*slower(0.03, 10), outcome="cancelled")
    ),
    "pages, among many fast ones": told_by_its_week(
        pages(*slower(0.05, 0.2), cache="miss") | FAST, "PagesSlow"
    ),
    "pages of scripts": told_by_its_week(pages(*slower(0.5, 2), route="api-ls", cache=""), "PagesSlow"),
    "pages, half as fast": told_by_its_week(pages(*slower(0.05, 0.1), cache="miss")),
    "a colder cache": told_by_its_week(
        pages(Phase(WEEK, 5, 0.2), Phase(HOUR, 200, 0.2), cache="miss") | FAST
    ),
    "slow for a day": Case(SLOW_FOR_A_DAY, WEEK + DAY - SELDOM, ['alertname="StorageSlow"']),
    "as before after a day": told_by_its_week(SLOW_FOR_A_DAY),
}


@pytest.fixture(scope="module")
def slowness(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return faults_of(tmp_path_factory.mktemp("slowness"), SLOWNESS, every=SELDOM)


@pytest.mark.parametrize("name", SLOWNESS)
def test_slowness_is_told_by_its_own_week(slowness: dict[str, str], name: str) -> None:
    assert slowness[name] == ""


BURNS = 'alertname="ErrorBudgetBurns",burn="{}"'


def failing(share: float, minutes: int, *burns: str, over_for: int = 0) -> Case:
    """Part of the answers fails for so long, until some minutes ago."""
    before = 3 * DAY + HOUR - minutes  # no rule looks back further than three days
    phases = [Phase(before, 0), Phase(minutes, 1000 * share), Phase(over_for + 1, 0)]
    length = before + minutes + over_for
    series = pages(Phase(length, 1000, 0.001)) | pages(*phases, status=503, cache="")
    return Case(series, length - 1, [BURNS.format(burn) for burn in burns])


FAILURES = {
    "2% for an hour": failing(0.020, HOUR, "14.4"),
    "2% for an hour, over: the short window is clean": failing(0.020, HOUR, over_for=30),
    "0.8% for six hours": failing(0.008, 6 * HOUR, "6"),
    "0.2% for three days": failing(0.002, 3 * DAY, "1"),
    "0.2% for six hours": failing(0.002, 6 * HOUR),
    "0.05% for three days": failing(0.0005, 3 * DAY),
    "2% for three days": failing(0.020, 3 * DAY, "1", "14.4", "6"),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return faults_of(tmp_path_factory.mktemp("failures"), FAILURES, every=5)


@pytest.mark.parametrize("name", FAILURES)
def test_errors_are_told_by_how_fast_they_use_up_what_may_fail(failures: dict[str, str], name: str) -> None:
    assert failures[name] == ""


ABORTED = f'pierhead_downloads_aborted_total{{{REPLICA},route="file-stream",cause="%s"}}'
HELP = f'pierhead_storage_help_total{{{REPLICA},store="replica-1",event="%s"}}'
LONG = 2 * HOUR


def a_gauge(name: str, value: float) -> Series:
    return gauge(f"{name}{{{REPLICA}}}", value, LONG)


def a_counter(name: str, events: float) -> Series:
    return counter(f"{name}{{{REPLICA}}}", [Phase(LONG, events)])


def steadily(events: float) -> Phase:
    return Phase(LONG, events, 0.02)


def state(series: Series, *alerts: str) -> Case:
    return Case(series, LONG - 1, [f'alertname="{name}"' for name in alerts])


def broken(downloads: float, *burns: str) -> Case:
    """Two downloads a minute that break off, beside others."""
    labels = f'{REPLICA},route="file-stream",status="200"'
    whole = timed("pierhead_download_duration_seconds", labels, [Phase(LONG, downloads, 1)])
    series = whole | counter(ABORTED % "store", [steadily(2)])
    return Case(series, LONG - 1, [BURNS.format(burn) for burn in burns])


TLS_ENDS = "pierhead_tls_certificate_expires_timestamp_seconds"
FDS = a_gauge("process_max_fds", 1000)
MOSTLY_MISSES = pages(steadily(60), cache="miss") | pages(steadily(40), cache="fresh")
MOSTLY_WAITED_FOR = pages(steadily(60), cache="coalesced") | pages(steadily(40), cache="stale")
ALL_IS_WELL = {
    **a_gauge("up", 1), **a_gauge("pierhead_ready", 1), **a_gauge("pierhead_draining", 0),
    **a_gauge("pierhead_degraded", 0), **a_gauge("pierhead_last_reload_successful", 1),
    **a_counter("pierhead_folders_closed_total", 0), **a_counter("pierhead_log_lines_dropped_total", 0),
    **calls(steadily(5)), **pages(steadily(100)),
}  # fmt: skip
STATES = {
    "all is well": state(ALL_IS_WELL),
    "a replica is down": state(a_gauge("up", 0), "ReplicaDown"),
    "something else is down": state(gauge('up{job="node",instance="a:9100"}', 0, LONG)),
    "not ready": state(a_gauge("pierhead_ready", 0) | a_gauge("pierhead_draining", 0), "NotReady"),
    "it drains": state(a_gauge("pierhead_ready", 0) | a_gauge("pierhead_draining", 1), "DrainsForLong"),
    "degraded": state(a_gauge("pierhead_degraded", 1) | a_gauge("pierhead_ready", 1), "Degraded"),
    "a reload failed": state(a_gauge("pierhead_last_reload_successful", 0), "ReloadFailed"),
    "a certificate ends soon": state(a_gauge(TLS_ENDS, 13 * 86400), "CertificateExpires"),
    "one ended a minute after the first value": state(a_gauge(TLS_ENDS, 60), "CertificateExpires"),
    "one ends later": state(a_gauge(TLS_ENDS, 15 * 86400)),
    "without TLS": state(a_gauge(TLS_ENDS, 0)),
    "folders are closed": state(a_counter("pierhead_folders_closed_total", 0.1), "FoldersClosed"),
    "lines are dropped": state(a_counter("pierhead_log_lines_dropped_total", 1), "LogLinesDropped"),
    "few descriptors are left": state(a_gauge("process_open_fds", 900) | FDS, "DescriptorsShort"),
    "many are left": state(a_gauge("process_open_fds", 500) | FDS),
    "mostly misses": state(MOSTLY_MISSES, "CacheUseless"),
    "mostly waited for": state(MOSTLY_WAITED_FOR, "CacheUseless"),
    "some misses": state(pages(steadily(40), cache="miss") | pages(steadily(60))),
    "misses, too few to say": state(pages(steadily(2), cache="miss")),
    "calls time out": state(calls(steadily(98)) | calls(steadily(2), outcome="timeout"), "StorageFails"),
    "nothing was found": state(calls(steadily(90)) | calls(steadily(10), outcome="not-found")),
    "calls are denied": state(calls(steadily(98)) | calls(steadily(2), outcome="denied"), "StorageDenies"),
    "a replica takes over": state(counter(HELP % "failover", [steadily(1)]), "StorageFailsOver"),
    "a replica helps": state(counter(HELP % "hedge", [steadily(1)])),
    "probes fail": state(pages(steadily(9)) | pages(steadily(9), route="readyz", status=503, cache="")),
    "clients break off": state(pages(steadily(9)) | counter(ABORTED % "client", [steadily(9)])),
    "downloads break, of a hundred": broken(100, "1", "14.4", "6"),
    "downloads break, of ten thousand": broken(10_000),
}


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return faults_of(tmp_path_factory.mktemp("states"), STATES)


@pytest.mark.parametrize("name", STATES)
def test_each_state_fires_its_own_alert(states: dict[str, str], name: str) -> None:
    assert states[name] == ""


def test_it_would_notice_an_alert_that_is_missing_and_one_too_many(tmp_path: Path) -> None:
    cases = {
        "missing": state(a_gauge("pierhead_degraded", 0), "Degraded"),
        "right": state(a_gauge("pierhead_degraded", 1), "Degraded"),
        "too many": state(a_gauge("pierhead_degraded", 1)),
    }
    faults = faults_of(tmp_path, cases)
    assert {name: "Degraded" in fault for name, fault in faults.items()} == {
        "missing": True, "right": False, "too many": True,
    }  # fmt: skip
