"""The operator's own listener: everything that is to be watched, apart from what strangers reach."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import __version__
from app.auth.keys import KeyRing, Purpose
from tests.support.answers import problem
from tests.support.live_server import SECRET
from tests.support.serve_command import KEY, START_SECONDS, Served
from tests.support.site_trees import MemoryTree, SiteClient, client_of
from tests.support.waiting import wait_until


def state(client: SiteClient) -> dict[str, Any]:
    answer = client.get(f"{client.admin}/-/state")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return dict(answer.json())


def state_of(server: Served) -> dict[str, Any]:
    return dict(httpx.get(f"{server.admin}/-/state", trust_env=False).json())


def test_it_answers_those_who_watch_and_nobody_else(memory: MemoryTree) -> None:
    memory.put("f.txt", b"published")
    with client_of(memory.app(replica_id="eu-1")) as http:
        for path in ("/healthz", "/readyz", "/readyz/storage", "/metrics", "/-/state"):
            answer = http.get(f"{http.admin}{path}")
            assert answer.status_code == 200
            assert answer.headers["x-pierhead-replica"] == "eu-1"
            assert http.head(f"{http.admin}{path}").status_code == 200
        for path in ("/", "/f.txt", "/-/tree/f.txt", "/api/ls/", "/-/state/"):
            assert problem(http.get(f"{http.admin}{path}")) == (404, "not-found")
        refused = http.post(f"{http.admin}/-/state")
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]


def test_strangers_see_none_of_it(memory: MemoryTree) -> None:
    with client_of(memory.app()) as http:
        assert http.get("/-/state").status_code == 404
        assert http.get("/metrics").status_code == 403


class TestState:
    def test_it_says_what_runs(self, memory: MemoryTree) -> None:
        memory.put("d/f")
        with client_of(memory.app(replica_id="eu-1", cache_ttl=60, cache_max_stale=600)) as http:
            before = state(http)
            assert (before["version"], before["replica"], before["draining"]) == (__version__, "eu-1", False)
            assert before["storage"] == {"is_down": False, "failure": None, "unreachable": []}
            assert before["uptime_seconds"] >= 0
            (worker,) = before["workers"]
            assert (worker["cache"]["is_warm"], worker["cache"]["bytes"]) == (False, 0)
            http.get("/d/")
            (worker,) = state(http)["workers"]
            assert worker["cache"]["is_warm"]
            assert 0 < worker["cache"]["bytes"] < worker["cache"]["max_bytes"]

    def test_keys_have_their_ids_and_nothing_else(self, memory: MemoryTree) -> None:
        other = "another key of at least thirty-two characters"
        with client_of(memory.app(secret_keys=(other, SECRET))) as http:
            shown = state(http)
            text = json.dumps(shown)
        assert [key["signs"] for key in shown["keys"]] == [True, False]
        for secret, key in zip((other, SECRET), shown["keys"], strict=True):
            assert key["ids"]["access"] == KeyRing([secret]).first(Purpose.ACCESS).kid
            assert secret not in text
        assert shown["settings"]["secret_keys"] == {"is_set": True, "source": "default"}

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_every_setting_has_its_source(
        self, serve: Callable[..., Served], tmp_path: Path, workers: str
    ) -> None:
        (tmp_path / "pierhead.toml").write_text("cache_ttl = 7\n")
        server = serve("--workers", workers, PIERHEAD_SITE_TITLE="Builds")
        assert wait_until(lambda: len(state_of(server)["workers"]) == int(workers), START_SECONDS)
        settings = state_of(server)["settings"]
        assert settings["storage"] == {"value": "tree", "source": "command line"}
        assert settings["site_title"] == {"value": "Builds", "source": "environment"}
        assert settings["cache_ttl"] == {"value": "7", "source": "pierhead.toml"}
        assert settings["cache_grace"]["source"] == "default"
        assert KEY not in json.dumps(state_of(server))
        assert {worker["pid"] for worker in state_of(server)["workers"]} == set(server.workers())


def test_its_port_follows_the_public_one(serve: Callable[..., Served]) -> None:
    server = serve(PIERHEAD_ADMIN_LISTEN="[::1]:0")
    assert server.admin.startswith("http://[::1]:")
    assert "pierhead_degraded 0.0" in server.metrics()


def test_workers_agree_whether_the_replica_is_ready(serve: Callable[..., Served], tmp_path: Path) -> None:
    server = serve("--workers", "2", PIERHEAD_CACHE_TTL="3600")
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    assert httpx.get(f"{server.url}/", trust_env=False).status_code == 200  # now one of them is warm

    def seen() -> set[tuple[int, str | None]]:
        """What several probes are told, each over a connection of its own."""
        answers = [httpx.get(f"{server.url}/readyz", trust_env=False) for _ in range(12)]
        return {(answer.status_code, answer.headers.get("x-pierhead-state")) for answer in answers}

    assert wait_until(lambda: seen() == {(200, None)}, START_SECONDS)
    (tmp_path / "tree").rename(tmp_path / "gone")
    assert wait_until(lambda: seen() == {(200, "degraded")}, START_SECONDS)
    assert wait_until(lambda: state_of(server)["storage"]["is_down"], START_SECONDS)
    assert seen() == {(200, "degraded")}
    assert "pierhead_degraded 1.0" in server.metrics()
