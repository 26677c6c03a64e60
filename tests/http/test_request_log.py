"""The log of the installed command: one line for each request, and no secret in any."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, grant_acceptance
from tests.support import raw_http
from tests.support.answers import BROWSER
from tests.support.licence_form import open_form
from tests.support.live_server import SECRET, token
from tests.support.log_file import whole_lines
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import DirectoryTree, http_client
from tests.support.waiting import wait_until

FIELDS: dict[str, type | tuple[type, ...]] = {
    "timestamp": str, "level": str, "logger": str, "event": str, "method": str, "path": str, "status": int,
    "bytes": int, "seconds": float, "route": str, "client": str, "subject": (str, type(None)), "agent": str,
    "replica": str,
    "request_id": str,
}  # fmt: skip


class Log(NamedTuple):
    """A running server and its log, from the beginning of one test on."""

    server: RunningPierhead
    client: httpx.Client
    start: int

    def text(self) -> str:
        return "".join(f"{line}\n" for line in whole_lines(self.server.log))[self.start :]

    def lines(self) -> list[dict[str, Any]]:
        """Every line; each must be one JSON object."""
        return [json.loads(line) for line in self.text().splitlines()]

    def requests(self, path: str) -> list[dict[str, Any]]:
        """The lines of requests for a path; there will be at least one."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines() if line["event"] == "request" and line["path"] == path]

        assert wait_until(lambda: bool(found()))
        return found()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPierhead]:
    place = tmp_path_factory.mktemp("served")
    tree = DirectoryTree(place / "tree")
    tree.put("public/f.txt", b"0123456789")
    tree.put("members/f.txt", b"secret")
    tree.put("eula/EULA.txt", b"Be nice.")
    tree.put("eula/x.img", b"x")
    settings = {"PIERHEAD_LOG_FORMAT": "json", "PIERHEAD_REPLICA_ID": "replica-1"}
    with run_pierhead(f"file://{tree.root}", place, policy=MEMBERS, environ=settings) as running:
        yield running


@pytest.fixture
def log(server: RunningPierhead) -> Iterator[Log]:
    with http_client(server.url, headers={"User-Agent": "a tester/1.0"}) as client:
        mark = f"/mark-{time.monotonic_ns()}"
        client.get(mark)  # so that what earlier tests left waiting is written
        assert wait_until(lambda: mark in server.log.read_text())
        yield Log(server, client, len(server.log.read_text()))


def test_each_request_is_one_line_with_all_that_is_to_be_known(log: Log) -> None:
    log.client.get("/public/f.txt", headers={"Range": "bytes=0-3", "Authorization": f"Bearer {valid()}"})
    (line,) = log.requests("/public/f.txt")
    assert line.keys() == FIELDS.keys()
    for name, kind in FIELDS.items():
        assert isinstance(line[name], kind)
    shown = {
        name: line[name] for name in ("method", "status", "bytes", "client", "subject", "agent", "replica")
    }
    assert shown == {
        "method": "GET", "status": 206, "bytes": 4, "client": "127.0.0.1", "subject": "robot",
        "agent": "a tester/1.0", "replica": "replica-1",
    }  # fmt: skip
    assert 0 < line["seconds"] < 60
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/public/", 200, "folder-html"),
        ("HEAD", "/public/", 200, "folder-html"),
        ("GET", "/members/", 401, "folder-html"),
        ("GET", "/none%C3%BC%0A", 404, "tree"),
        ("GET", "/api/ls/public/", 200, "api-ls"),
        ("DELETE", "/public/f.txt", 405, "tree"),
        ("GET", "/eula/x.img", 403, "file"),
    ],
)
def test_every_outcome_is_logged_with_its_route(
    log: Log, method: str, path: str, status: int, route: str
) -> None:
    log.client.request(method, path)
    (line,) = log.requests(path)
    assert (line["method"], line["status"], line["route"]) == (method, status, route)


def test_probes_are_left_out(log: Log) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/readyz/storage", 200), ("/metrics", 403)):
        assert log.client.get(path).status_code == status
    log.client.get("/public/")
    assert log.requests("/public/")
    assert {line["path"] for line in log.lines() if line["event"] == "request"} == {"/public/"}


def valid() -> str:
    return token("staff", now=time.time())


def test_no_secret_is_ever_written(log: Log) -> None:
    held, expired = valid(), token("staff", now=time.time() - 7200)
    acceptance = grant_acceptance(KeyRing([SECRET]), None, ["0" * 32], time.time())
    secrets = [
        held,
        expired,
        acceptance,
        "a-signature",
        "a-cookie",
        "a-password",
        "a-query",
        "a-key",
        "a-form",
    ]
    client = log.client
    for path in ("/members/f.txt", "/members/", "/none", "/api/ls/", "/public/f.txt"):
        for value in (held, expired, "a-password"):
            client.get(
                f"{path}?x-amz-signature=a-signature&q=a-query", headers={"Authorization": f"Bearer {value}"}
            )
        client.get(path, auth=("user", "a-password"))
        client.get(path, auth=("user", held))
        client.get(path, headers={"Cookie": f"{ACCEPTANCE_COOKIE}={acceptance}; session=a-cookie"})
    client.get("/public/f.txt?key=a-key")
    client.get("/eula/x.img?token=a-query", headers=BROWSER)
    client.post("/license", data={"form_token": "a-form", "accept": "1", "path": "/eula/x.img"})
    form = open_form(client, "/eula/x.img")
    secrets += [form.fields["form_token"], *client.cookies.values()]
    secrets += form.send(client).cookies.values()
    client.get("/end")
    assert log.requests("/end")
    text = log.text()
    found = [secret for secret in secrets if secret in text]
    assert found == []
    assert SECRET not in log.server.log.read_text()
    assert "?" not in "".join(line["path"] for line in log.lines() if line["event"] == "request")


def test_what_clients_write_cannot_forge_a_line(log: Log) -> None:
    port = httpx.URL(log.server.url).port
    assert port
    agent = b'User-Agent: x"}\\n{"event": "request", "path": "/forged", "status": 200'
    raw_http.ask(port, raw_http.request(b"GET", b'/odd%0a"}{', agent))
    (line,) = log.requests('/odd%0a"}{')
    assert line["status"] == 404
    assert not [line for line in log.lines() if line.get("path") == "/forged"]


def test_workers_share_a_log_and_add_up_their_metrics(tmp_path: Path) -> None:
    tree = DirectoryTree(tmp_path / "tree")
    tree.put("d/f", b"x")
    settings = {"PIERHEAD_LOG_FORMAT": "json"}
    with (
        run_pierhead(f"file://{tree.root}", tmp_path, "--workers", "2", environ=settings) as server,
        http_client(server.url, headers={"Connection": "close"}) as client,  # so that both get some
    ):
        for n in range(30):
            assert client.get(f"/d/{n}").status_code == 404
        counted = 'pierhead_page_duration_seconds_count{cache="",route="file",status="404"} 30.0'
        assert wait_until(lambda: counted in server.metrics())
        assert wait_until(lambda: server.log.read_text().count('"path":"/d/') == 30)
        assert {type(json.loads(line)) for line in whole_lines(server.log)} == {dict}
