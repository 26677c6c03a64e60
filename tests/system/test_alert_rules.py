"""The alert rules, evaluated by Prometheus: which fire for what, and that nothing else does."""

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


@pytest.mark.parametrize(
    ("series", "firing"),
    [
        pytest.param(calls(*slower(0.03, 0.12)) | FAST, ["StorageSlow"], id="storage, hidden by the cache"),
        pytest.param(calls(*slower(0.3, 1.2)) | FAST, ["StorageSlow"], id="a storage that is slow anyway"),
        pytest.param(calls(*slower(2, 2)) | FAST, [], id="slow, but as ever"),
        pytest.param(calls(*slower(0.03, 0.06)) | FAST, [], id="storage, half as fast"),
        pytest.param(calls(*slower(0.001, 0.004)) | FAST, [], id="too fast for anyone to notice"),
        pytest.param(calls(*slower(0.03, 0.12, events=0.5)), [], id="too few calls to say"),
        pytest.param(calls(*slower(0.03, 0.12, history=20 * HOUR)), [], id="no week yet"),
        pytest.param(
            calls(*slower(0.03, 0.12)) | calls(*slower(0.002, 0.002, events=9000), operation="head"),
            ["StorageSlow"],
            id="one operation among many fast ones",
        ),
        pytest.param(
            calls(*slower(0.03, 0.03)) | calls(*slower(0.03, 10), outcome="cancelled"),
            [],
            id="calls that were given up",
        ),
        pytest.param(
            pages(*slower(0.05, 0.2), cache="miss") | FAST, ["PagesSlow"], id="pages, among many fast ones"
        ),
        pytest.param(pages(*slower(0.5, 2), route="api-ls", cache=""), ["PagesSlow"], id="pages of scripts"),
        pytest.param(pages(*slower(0.05, 0.1), cache="miss"), [], id="pages, half as fast"),
        pytest.param(
            pages(Phase(WEEK, 5, 0.2), Phase(HOUR, 200, 0.2), cache="miss") | FAST, [], id="a colder cache"
        ),
    ],
)
def test_slowness_is_told_by_its_own_week(tmp_path: Path, series: Series, firing: list[str]) -> None:
    at = len_of(series) - SELDOM
    firing = [f'alertname="{name}"' for name in firing]
    assert faults_of(tmp_path, series, at, firing, every=SELDOM) == ""


def len_of(series: Series) -> int:
    """How many minutes the longest series has."""
    return max(sum(int(part.rpartition("x")[2]) + 1 for part in values.split()) for values in series.values())


def test_a_slowness_of_a_day_still_stands_out_and_ends_when_it_ends(tmp_path: Path) -> None:
    series = calls(Phase(WEEK, 5, 0.03), Phase(DAY, 5, 0.12), Phase(HOUR, 5, 0.03))
    assert faults_of(tmp_path, series, WEEK + DAY - SELDOM, ['alertname="StorageSlow"'], every=SELDOM) == ""
    assert faults_of(tmp_path, series, WEEK + DAY + HOUR - SELDOM, [], every=SELDOM) == ""


BURNS = 'alertname="ErrorBudgetBurns",burn="{}"'


@pytest.mark.parametrize(
    ("share", "minutes", "after", "burns"),
    [
        (0.020, HOUR, 0, ["14.4"]),
        (0.020, HOUR, 30, []),  # over: the short window is clean
        (0.008, 6 * HOUR, 0, ["6"]),
        (0.002, 3 * DAY, 0, ["1"]),
        (0.002, 6 * HOUR, 0, []),
        (0.0005, 3 * DAY, 0, []),
        (0.020, 3 * DAY, 0, ["1", "14.4", "6"]),
    ],
)
def test_errors_are_told_by_how_fast_they_use_up_what_may_fail(
    tmp_path: Path, share: float, minutes: int, after: int, burns: list[str]
) -> None:
    before = 3 * DAY + HOUR - minutes  # no rule looks back further than three days
    failing = [Phase(before, 0), Phase(minutes, 1000 * share), Phase(after + 1, 0)]
    length = before + minutes + after
    series = pages(Phase(length, 1000, 0.001)) | pages(*failing, status=503, cache="")
    firing = [BURNS.format(burn) for burn in burns]
    assert faults_of(tmp_path, series, length - 1, firing, every=5) == ""


ABORTED = f'pierhead_downloads_aborted_total{{{REPLICA},route="file-stream",cause="%s"}}'
HELP = f'pierhead_storage_help_total{{{REPLICA},store="replica-1",event="%s"}}'
LONG = 2 * HOUR


def a_gauge(name: str, value: float) -> Series:
    return gauge(f"{name}{{{REPLICA}}}", value, LONG)


def a_counter(name: str, events: float) -> Series:
    return counter(f"{name}{{{REPLICA}}}", [Phase(LONG, events)])


def steadily(events: float) -> Phase:
    return Phase(LONG, events, 0.02)


TLS_ENDS = "pierhead_tls_certificate_expires_timestamp_seconds"
FDS = a_gauge("process_max_fds", 1000)
MOSTLY_MISSES = pages(steadily(60), cache="miss") | pages(steadily(40), cache="fresh")


@pytest.mark.parametrize(
    ("series", "firing"),
    [
        (a_gauge("up", 0), "ReplicaDown"),
        (gauge('up{job="node",instance="a:9100"}', 0, LONG), ""),
        (a_gauge("pierhead_ready", 0) | a_gauge("pierhead_draining", 0), "NotReady"),
        (a_gauge("pierhead_ready", 0) | a_gauge("pierhead_draining", 1), "DrainsForLong"),
        (a_gauge("pierhead_degraded", 1) | a_gauge("pierhead_ready", 1), "Degraded"),
        (a_gauge("pierhead_last_reload_successful", 0), "ReloadFailed"),
        (a_gauge(TLS_ENDS, 13 * 86400), "CertificateExpires"),
        (a_gauge(TLS_ENDS, 60), "CertificateExpires"),  # it ended a minute after the first value
        (a_gauge(TLS_ENDS, 15 * 86400), ""),
        (a_gauge(TLS_ENDS, 0), ""),  # without TLS
        (a_counter("pierhead_folders_closed_total", 0.1), "FoldersClosed"),
        (a_counter("pierhead_log_lines_dropped_total", 1), "LogLinesDropped"),
        (a_gauge("process_open_fds", 900) | FDS, "DescriptorsShort"),
        (a_gauge("process_open_fds", 500) | FDS, ""),
        (MOSTLY_MISSES, "CacheUseless"),
        (pages(steadily(60), cache="coalesced") | pages(steadily(40), cache="stale"), "CacheUseless"),
        (pages(steadily(40), cache="miss") | pages(steadily(60)), ""),
        (pages(steadily(2), cache="miss"), ""),  # too few to say
        (calls(steadily(98)) | calls(steadily(2), outcome="timeout"), "StorageFails"),
        (calls(steadily(90)) | calls(steadily(10), outcome="not-found"), ""),
        (calls(steadily(98)) | calls(steadily(2), outcome="denied"), "StorageDenies"),
        (counter(HELP % "failover", [steadily(1)]), "StorageFailsOver"),
        (counter(HELP % "hedge", [steadily(1)]), ""),
        (pages(steadily(9)) | pages(steadily(9), route="readyz", status=503, cache=""), ""),
        (pages(steadily(9)) | counter(ABORTED % "client", [steadily(9)]), ""),
    ],
)
def test_each_state_fires_its_own_alert(tmp_path: Path, series: Series, firing: str) -> None:
    expected = [f'alertname="{firing}"'] if firing else []
    assert faults_of(tmp_path, series, LONG - 1, expected) == ""


@pytest.mark.parametrize(("downloads", "burns"), [(100, ["1", "14.4", "6"]), (10_000, [])])
def test_broken_downloads_count_among_all_downloads(
    tmp_path: Path, downloads: float, burns: list[str]
) -> None:
    labels = f'{REPLICA},route="file-stream",status="200"'
    whole = timed("pierhead_download_duration_seconds", labels, [Phase(LONG, downloads, 1)])
    series = whole | counter(ABORTED % "store", [steadily(2)])
    assert faults_of(tmp_path, series, LONG - 1, [BURNS.format(burn) for burn in burns]) == ""


def test_a_replica_that_is_well_fires_nothing(tmp_path: Path) -> None:
    series = {
        **a_gauge("up", 1), **a_gauge("pierhead_ready", 1), **a_gauge("pierhead_draining", 0),
        **a_gauge("pierhead_degraded", 0), **a_gauge("pierhead_last_reload_successful", 1),
        **a_counter("pierhead_folders_closed_total", 0), **a_counter("pierhead_log_lines_dropped_total", 0),
        **calls(steadily(5)), **pages(steadily(100)),
    }  # fmt: skip
    assert faults_of(tmp_path, series, LONG - 1, []) == ""


def test_it_would_notice_an_alert_that_is_missing_and_one_too_many(tmp_path: Path) -> None:
    assert "Degraded" in faults_of(tmp_path, a_gauge("pierhead_degraded", 1), LONG - 1, [])
    assert "Degraded" in faults_of(
        tmp_path, a_gauge("pierhead_degraded", 0), LONG - 1, ['alertname="Degraded"']
    )
