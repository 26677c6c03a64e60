"""Probes for machines that watch: is it alive, is it ready, how fast is it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import pairwise

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import StoreDenied, StoreUnavailable
from app.storage import health
from app.storage.health import FAIL_SECONDS, LOOK_SECONDS, RECOVER_SECONDS
from app.telemetry import Metrics
from tests.support.answers import BROWSER, member, problem
from tests.support.clocks import Clock
from tests.support.live_server import app_over
from tests.support.memory_store import Call, MemoryStore
from tests.support.served_store import Site
from tests.support.site_trees import MemoryTree, SiteClient, client_of
from tests.support.waiting import wait_until

CHECK = Call("check", "")
Labels = frozenset[tuple[str, str]]


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
        for url in ("", http.admin):
            answer = http.get(f"{url}/readyz")
            assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
            assert answer.headers["cache-control"] == "no-store"
            assert "x-pierhead-state" not in answer.headers
            assert http.head(f"{url}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("error", "reason"),
    [(StoreUnavailable("refused"), "refused"), (StoreDenied(), "rejects this server's credentials")],
)
def test_not_ready_says_why(memory: MemoryTree, error: Exception, reason: str) -> None:
    memory.store.fail_on("check", error)
    with client_of(memory.app()) as http:
        for url in ("", http.admin):
            answer = http.get(f"{url}/readyz", headers=BROWSER)
            assert problem(answer) == (503, "not-ready")
            assert reason in answer.json()["detail"]
            assert answer.headers["cache-control"] == "no-store"


WARM = {"cache_ttl": 60, "cache_grace": 60, "cache_max_stale": 3600}


class TestDegraded:
    """A storage that fails takes no replica down that can answer from memory."""

    def test_what_is_warm_stays_ready_and_says_that_it_is_degraded(self, memory: MemoryTree) -> None:
        clock = Clock()
        memory.put("d/f")
        with client_of(memory.app(clock=clock, **WARM)) as http:
            assert http.get("/d/").status_code == 200
            assert degraded(http) == 0
            memory.store.fail_on("check", StoreUnavailable("connection"))
            for _ in range(10):
                clock.now += LOOK_SECONDS
                answer = http.get("/readyz")
                assert (answer.status_code, answer.headers["x-pierhead-state"]) == (200, "degraded")
                assert answer.json()["status"] == "degraded"
                assert degraded(http) == 1
                assert is_ready(http)
            assert http.get("/readyz/storage").status_code == 503
            clock.now += WARM["cache_max_stale"]  # what is in memory is too old to be shown
            assert not is_ready(http)
            assert http.get("/readyz").status_code == 503
            memory.store.fail_on("check", None)
            clock.now += LOOK_SECONDS
            assert http.get("/readyz").status_code == 503  # for a moment, it may be
            clock.now += RECOVER_SECONDS
            answer = http.get("/readyz")
            assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
            assert degraded(http) == 0
            assert is_ready(http)

    def test_memory_is_not_enough_where_the_storage_is_asked_for_too(self, memory: MemoryTree) -> None:
        clock = Clock()
        memory.put("d/f")
        with client_of(memory.app(clock=clock, **WARM)) as http:
            assert http.get("/d/").status_code == 200
            assert http.get("/readyz/storage").json() == {"status": "ready"}
            memory.store.fail_on("check", StoreUnavailable("connection"))
            clock.now += LOOK_SECONDS
            answer = http.get("/readyz/storage")  # for a moment, it may be
            assert (answer.status_code, answer.headers["x-pierhead-state"]) == (200, "degraded")
            clock.now += FAIL_SECONDS
            for url in ("", http.admin):
                assert problem(http.get(f"{url}/readyz/storage")) == (503, "not-ready")
                assert http.head(f"{url}/readyz/storage").status_code == 503
                assert http.get(f"{url}/readyz").status_code == 200
            assert is_ready(http)
            memory.store.fail_on("check", None)
            clock.now += LOOK_SECONDS
            assert http.get("/readyz/storage").status_code == 503
            clock.now += RECOVER_SECONDS
            assert http.get("/readyz/storage").json() == {"status": "ready"}

    def test_a_cache_that_keeps_nothing_is_never_warm(self, memory: MemoryTree) -> None:
        memory.put("d/f")
        with client_of(memory.app()) as http:
            assert http.get("/d/").status_code == 200
            memory.store.fail_on("check", StoreUnavailable("connection"))
            assert http.get("/readyz").status_code == 503

    @pytest.mark.parametrize("is_warm", [True, False])
    @pytest.mark.parametrize("first", ["up", "down"])
    def test_a_storage_that_comes_and_goes_changes_it_once_at_most(
        self, memory: MemoryTree, first: str, *, is_warm: bool
    ) -> None:
        clock = Clock()
        memory.put("d/f")
        with client_of(memory.app(clock=clock, **WARM)) as http:
            if is_warm:
                assert http.get("/d/").status_code == 200
            seen = []
            for tick in range(240):  # a minute of 2 seconds up and 2 seconds down, probed four times a second
                is_up = (tick // 8) % 2 == (0 if first == "up" else 1)
                memory.store.fail_on("check", None if is_up else StoreUnavailable("connection"))
                seen.append(http.get("/readyz").status_code)
                clock.now += 0.25
        changes = sum(one != other for one, other in pairwise(seen))
        assert changes == 0
        assert seen[0] == (503 if first == "down" and not is_warm else 200)

    def test_one_that_is_gone_for_good_is_seen_in_time(self, memory: MemoryTree) -> None:
        clock = Clock()
        with client_of(memory.app(clock=clock)) as http:
            assert http.get("/readyz").status_code == 200
            memory.store.fail_on("check", StoreUnavailable("connection"))
            clock.now += LOOK_SECONDS
            answer = http.get("/readyz")
            assert (answer.status_code, answer.headers["x-pierhead-state"]) == (200, "degraded")
            clock.now += FAIL_SECONDS
            assert http.get("/readyz").status_code == 503


def degraded(client: SiteClient) -> float:
    (value,) = counts(client, "pierhead_degraded").values()
    return value


def is_ready(client: SiteClient) -> bool:
    """What the metrics say, without a probe before."""
    (value,) = counts(client, "pierhead_ready").values()
    return value == 1


def test_one_look_answers_for_a_second(memory: MemoryTree) -> None:
    clock = Clock()
    with client_of(memory.app(clock=clock)) as http:
        for _ in range(5):
            assert http.get("/readyz").status_code == 200
        assert memory.store.calls.count(CHECK) == 1
        clock.now += 0.9
        http.get("/readyz")
        assert memory.store.calls.count(CHECK) == 1
        clock.now += 0.2
        http.get("/readyz")
        assert memory.store.calls.count(CHECK) == 2


def test_a_store_that_hangs_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(MemoryStore):
        async def check(self) -> tuple[str, ...]:
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr(health, "LOOK_TIMEOUT", 0.05)
    with client_of(app_over(Hanging())) as http:
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert "did not answer" in answer.json()["detail"]
        assert http.get("/healthz").status_code == 200


@pytest.fixture
def measured(memory: MemoryTree) -> Iterator[SiteClient]:
    metrics = Metrics()
    memory.store = MemoryStore(observe=metrics.observer_of("primary"))
    memory.put("d/f.txt", b"0123456789")
    memory.put("eula/EULA.txt", b"Be nice.")
    memory.put("eula/x", b"x")
    with client_of(app_over(memory.store, metrics=metrics)) as http:
        yield http


def counts(client: SiteClient, name: str) -> Mapping[Labels, float]:
    """The value of one metric (for a histogram, how often) by labels."""
    answer = client.get(f"{client.admin}/metrics")
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


def test_pages_and_downloads_are_counted_by_route_and_status(measured: SiteClient) -> None:
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
    measured: SiteClient, memory: MemoryTree
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


def test_what_clients_write_never_becomes_a_label(measured: SiteClient) -> None:
    before = None
    for n in range(30):
        measured.get(f"/none-{n}/")
        measured.get(f"/none-{n}")
        measured.get(f"/api/none-{n}")
        measured.get(f"/-/none-{n}")
        measured.request(f"METHOD{n}", f"/d/{n}")
        measured.get("/d/", headers={"User-Agent": f"agent-{n}", "Host": f"host-{n}"})
        if n == 0:
            before = measured.metrics().count("\n")
    after = measured.metrics()
    assert before is not None
    assert after.count("\n") <= before + 40  # but for what /metrics says of itself
    assert "none-" not in after
    assert "agent-" not in after


def test_a_download_counts_when_it_is_over(measured: SiteClient) -> None:
    measured.get("/d/f.txt")
    name = "pierhead_download_duration_seconds_count"
    assert wait_until(lambda: sum(counts(measured, name).values()) == 1)


PROXY = {"trusted_proxies": ("127.0.0.1",), "trusted_networks": ("10.0.0.0/8",)}


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({}, {}, 403),  # this host itself, or a proxy on it that says nothing of its clients
        ({}, {"X-Forwarded-For": "192.0.2.1"}, 403),
        ({}, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ({"trusted_networks": ("127.0.0.0/8",)}, {}, 200),
        (PROXY, {"X-Forwarded-For": "10.1.1.1"}, 200),
        (PROXY, {"X-Forwarded-For": "11.1.1.1"}, 403),
        ({"trusted_networks": ("10.0.0.0/8",)}, {"X-Forwarded-For": "10.1.1.1"}, 403),
    ],
)
def test_on_the_public_port_metrics_are_for_trusted_networks(
    memory: MemoryTree, settings: dict[str, tuple[str, ...]], headers: dict[str, str], status: int
) -> None:
    with client_of(memory.app(**settings)) as http:
        answer = http.get("/metrics", headers=headers)
        assert answer.status_code == status
        assert ("pierhead_page" in answer.text) == (status == 200)
        if status == 403:
            assert problem(answer) == (403, "metrics-forbidden")
            page = http.get("/metrics", headers=headers | BROWSER)
            assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
            assert "for trusted networks" in page.text
