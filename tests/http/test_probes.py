"""Probes for machines that watch: is it alive, is it ready, how fast is it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import StoreDenied, StoreUnavailable
from app.routes import health
from app.telemetry import Metrics
from tests.support.answers import BROWSER, member, problem
from tests.support.live_server import app_over
from tests.support.memory_store import Call, MemoryStore
from tests.support.served_store import Site
from tests.support.site_trees import MemoryTree, client_of
from tests.support.waiting import wait_until

CHECK = Call("check", "")
Labels = frozenset[tuple[str, str]]


class ManualClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """What readiness takes for the time."""
    clock = ManualClock()
    monkeypatch.setattr(health, "time", clock)
    return clock


def test_alive_asks_nothing_of_the_store(site: Site) -> None:
    for error in (StoreUnavailable("refused"), StoreDenied()):
        for operation in ("check", "list", "head", "get"):
            site.store.fail_on(operation, error)
        for way in ("GET", "HEAD"):
            answer = site.http.request(way, "/healthz")
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert site.http.get("/healthz").json() == {"status": "ok"}
    assert site.store.calls == []


def test_ready_when_the_store_can_be_reached(memory: MemoryTree) -> None:
    with client_of(memory.app()) as http:
        answer = http.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
        assert answer.headers["cache-control"] == "no-store"
        assert http.head("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("error", "reason"),
    [(StoreUnavailable("refused"), "refused"), (StoreDenied(), "rejects this server's credentials")],
)
def test_not_ready_says_why(memory: MemoryTree, error: Exception, reason: str) -> None:
    memory.store.fail_on("check", error)
    with client_of(memory.app()) as http:
        answer = http.get("/readyz", headers=BROWSER)
        assert problem(answer) == (503, "not-ready")
        assert reason in answer.json()["detail"]
        assert answer.headers["cache-control"] == "no-store"


def test_one_look_answers_for_a_second(memory: MemoryTree, clock: ManualClock) -> None:
    with client_of(memory.app()) as http:
        for _ in range(5):
            assert http.get("/readyz").status_code == 200
        assert memory.store.calls.count(CHECK) == 1
        memory.store.fail_on("check", StoreUnavailable("timeout"))
        clock.now += 0.9
        assert http.get("/readyz").status_code == 200
        clock.now += 0.2
        assert http.get("/readyz").status_code == 503
        memory.store.fail_on("check", None)
        clock.now += 1.0
        assert http.get("/readyz").status_code == 200
        assert memory.store.calls.count(CHECK) == 3


def test_a_store_that_hangs_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(MemoryStore):
        async def check(self) -> tuple[str, ...]:
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr(health, "READY_TIMEOUT", 0.05)
    with client_of(app_over(Hanging())) as http:
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert "did not answer" in answer.json()["detail"]
        assert http.get("/healthz").status_code == 200


@pytest.fixture
def measured(memory: MemoryTree) -> Iterator[httpx.Client]:
    metrics = Metrics()
    memory.store = MemoryStore(observe=metrics.observer_of("primary"))
    memory.put("d/f.txt", b"0123456789")
    memory.put("eula/EULA.txt", b"Be nice.")
    memory.put("eula/x", b"x")
    with client_of(app_over(memory.store, metrics=metrics)) as http:
        yield http


def counts(client: httpx.Client, name: str) -> Mapping[Labels, float]:
    """The value of one metric (for a histogram, how often) by labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        frozenset(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    }


def labels(**values: str) -> Labels:
    return frozenset(values.items())


def test_pages_and_downloads_are_counted_by_route_and_status(measured: httpx.Client) -> None:
    for path, headers in [
        ("/", {}), ("/?format=json", {}), ("/d/", BROWSER), ("/none/", {}), ("/d/f.txt", {}), ("/eula/x", {}),
        ("/d/f.txt", {"Range": "bytes=0-3"}), ("/d/f.txt", {"If-None-Match": "*"}), ("/api/ls/", {}), ("/healthz", {}),
        ("/?recursive=true", {}), ("/d/f.txt", member("staff")),
    ]:  # fmt: skip
        measured.get(path, headers=headers)
    pages = counts(measured, "pierhead_page_duration_seconds_count")
    assert pages[labels(route="folder-html", status="200", cache="miss")] == 2
    assert pages[labels(route="folder-json", status="200", cache="miss")] == 1
    assert pages[labels(route="recursive", status="200", cache="")] == 1
    assert pages[labels(route="api-ls", status="200", cache="")] == 1
    assert pages[labels(route="file", status="403", cache="")] == 1
    assert pages[labels(route="healthz", status="200", cache="")] == 1
    downloads = counts(measured, "pierhead_download_duration_seconds_count")
    assert downloads == {
        labels(route="file-stream", status="200"): 2, labels(route="file-stream", status="206"): 1,
    }  # fmt: skip
    assert counts(measured, "pierhead_download_bytes_total") == {labels(route="file-stream"): 24}


def test_calls_to_the_store_are_counted_by_operation_and_outcome(
    measured: httpx.Client, memory: MemoryTree
) -> None:
    measured.get("/d/f.txt")
    measured.get("/none/")
    memory.store.fail_on("list", StoreUnavailable("throttled"), path="eula/")
    measured.get("/eula/")
    memory.store.fail_on("list", None, path="eula/")
    memory.store.fail_on("head", StoreDenied())
    measured.get("/d/f.txt")
    measured.get("/eula/x")
    calls = counts(measured, "pierhead_storage_call_duration_seconds_count")
    outcomes = {"list": {"ok", "not-found", "throttled"}, "head": {"ok", "denied"}, "get": {"ok"}}
    for operation, words in outcomes.items():
        assert words <= {dict(found)["outcome"] for found in calls if ("operation", operation) in found}


def test_what_clients_write_never_becomes_a_label(measured: httpx.Client) -> None:
    before = None
    for n in range(30):
        measured.get(f"/none-{n}/")
        measured.get(f"/none-{n}")
        measured.get(f"/api/none-{n}")
        measured.get(f"/-/none-{n}")
        measured.request(f"METHOD{n}", f"/d/{n}")
        measured.get("/d/", headers={"User-Agent": f"agent-{n}", "Host": f"host-{n}"})
        if n == 0:
            before = measured.get("/metrics").text.count("\n")
    after = measured.get("/metrics").text
    assert before is not None
    assert after.count("\n") <= before + 40  # but for what /metrics says of itself
    assert "none-" not in after
    assert "agent-" not in after


def test_a_download_counts_when_it_is_over(measured: httpx.Client) -> None:
    measured.get("/d/f.txt")
    name = "pierhead_download_duration_seconds_count"
    assert wait_until(lambda: sum(counts(measured, name).values()) == 1, 5)


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({}, {}, 200),  # this host itself
        ({}, {"X-Forwarded-For": "192.0.2.1"}, 403),  # a proxy here that nobody declared
        ({}, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ({}, {"X-Forwarded-For": ""}, 403),
        ({}, {"Forwarded": "for=127.0.0.1"}, 403),
        ({"trusted_proxies": ("127.0.0.1",)}, {"X-Forwarded-For": "192.0.2.1"}, 403),
        ({"trusted_proxies": ("127.0.0.1",)}, {"X-Forwarded-For": "127.0.0.1"}, 403),
        (
            {"trusted_proxies": ("127.0.0.1",), "trusted_networks": ("10.0.0.0/8",)},
            {"X-Forwarded-For": "10.1.1.1"},
            200,
        ),
        (
            {"trusted_proxies": ("127.0.0.1",), "trusted_networks": ("10.0.0.0/8",)},
            {"X-Forwarded-For": "11.1.1.1"},
            403,
        ),
        ({"trusted_networks": ("10.0.0.0/8",)}, {"X-Forwarded-For": "10.1.1.1"}, 403),
    ],
)
def test_metrics_are_for_this_host_and_trusted_networks(
    memory: MemoryTree, settings: dict[str, tuple[str, ...]], headers: dict[str, str], status: int
) -> None:
    with client_of(memory.app(**settings)) as http:
        answer = http.get("/metrics", headers=headers)
        assert answer.status_code == status
        assert ("pierhead_page" in answer.text) == (status == 200)
        if status == 403:
            assert problem(answer) == (403, "metrics-forbidden")
