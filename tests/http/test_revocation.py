"""Tokens and logins that are taken back, from the command line to the server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.auth.revocation import MAX_UNREAD_SECONDS, READ_SECONDS
from app.cli import main
from tests.support.answers import SCRIPT, problem
from tests.support.clocks import Clock
from tests.support.fake_provider import fake_provider
from tests.support.live_server import SECRET, app_over, live_server, token
from tests.support.login_sites import login_site
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS_AND_VAULT
from tests.support.site_trees import http_client

PRIVATE = "/members/plan.txt"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What both the command and the server read."""
    path = tmp_path / "revoked"
    path.touch()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pierhead.toml").write_text(f'secret_keys = ["{SECRET}"]\nrevoked_file = "{path}"\n')
    return path


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = time.time()
    return clock


@pytest.fixture
def client(file: Path, clock: Clock) -> Iterator[httpx.Client]:
    store = MemoryStore()
    store.put(PRIVATE[1:], b"content")
    app = app_over(store, policy=MEMBERS_AND_VAULT, wall_clock=clock, revoked_file=file)
    with live_server(app) as server, http_client(server.url, headers=SCRIPT) as http:
        yield http


def bearer(name: str, now: float) -> dict[str, str]:
    return {"Authorization": f"Bearer {token('staff', now=now, id=name)}"}


def test_a_token_that_is_taken_back_ends_and_no_other(client: httpx.Client, clock: Clock) -> None:
    first, second = bearer("t1", clock.now), bearer("t2", clock.now)
    assert client.get(PRIVATE, headers=first).status_code == 200
    assert main(["token", "revoke", first["Authorization"].removeprefix("Bearer "), "--note", "lost"]) == 0
    clock.now += READ_SECONDS
    answer = client.get(PRIVATE, headers=first)
    assert problem(answer) == (401, "authentication-failed")
    assert answer.json()["code"] == "token-revoked"
    assert client.get(PRIVATE, headers=second).status_code == 200
    assert client.get("/", headers=first).status_code == 401


def test_nobody_gets_in_while_it_cannot_be_told_who_may(
    client: httpx.Client, clock: Clock, file: Path
) -> None:
    member = bearer("t1", clock.now)
    assert client.get(PRIVATE, headers=member).status_code == 200
    file.unlink()
    clock.now += MAX_UNREAD_SECONDS
    answer = client.get(PRIVATE, headers=member)
    assert problem(answer) == (503, "revocations-unknown")
    assert answer.headers["retry-after"]
    assert client.get("/").status_code == 200  # strangers need no check


def test_a_login_is_taken_back_by_its_id(file: Path) -> None:
    with fake_provider() as provider, login_site(provider, revoked_file=file) as site:
        site.person.get("/login")
        assert site.person.get(PRIVATE).status_code == 200
        session = site.session()
        main(["token", "revoke", session])
        site.clock.now += READ_SECONDS
        page = site.person.get(PRIVATE)
        assert page.status_code == 401
        assert site.person.press(page, "Log in").status_code == 200  # as a new login


def test_a_token_is_shown_and_so_is_what_was_taken_back(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = token("staff", now=1_000_000_000, id="old")
    assert main(["token", "inspect", text]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["subject"], shown["id"], shown["groups"]) == ("robot", "old", ["staff"])
    assert (shown["is_expired"], shown["is_revoked"]) == (True, False)
    assert main(["token", "revoke", text, "--note", "of the old\nserver"]) == 0
    assert main(["token", "revoke", "by-id"]) == 0
    assert capsys.readouterr().out == "old\nby-id\n"
    assert main(["token", "list-revoked"]) == 0
    assert capsys.readouterr().out == "old robot of the old server\nby-id\n"
    main(["token", "inspect", text])
    assert json.loads(capsys.readouterr().out)["is_revoked"]


def test_a_link_is_shown_and_revoked_by_its_url(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ["link", "/members/plan.txt", "--expires", "2d", "--network", "192.0.2.0/24"]
    assert main([*made, "--site", "https://a.example"]) == 0
    url = capsys.readouterr().out.strip()
    assert main(["token", "inspect", url]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["networks"], shown["is_expired"], shown["is_revoked"]) == (["192.0.2.0/24"], False, False)
    assert main(["token", "revoke", url.partition("a.example")[2], "--note", "sent to the wrong one"]) == 0
    assert capsys.readouterr().out == f"{shown['id']}\n"
    assert file.read_text().endswith(f"{shown['id']} sent to the wrong one\n")
    main(["token", "inspect", url.partition("=")[2]])
    assert json.loads(capsys.readouterr().out)["is_revoked"]


@pytest.mark.parametrize("identifier", ["password:alice.b.smith", "password:bob,%20jr", "ID.7f3-a"])
def test_an_id_may_have_dots(file: Path, identifier: str) -> None:
    assert main(["token", "revoke", identifier]) == 0
    assert identifier in file.read_text().splitlines()


@pytest.mark.parametrize(
    "action",
    [
        ["inspect", "x.y.z"],
        ["inspect", "x"],
        ["inspect", "https://[a/b?link=x.y.z"],
        ["revoke", "x.y.z"],
        ["revoke", "a b"],
        ["revoke", "#t1"],
        ["revoke", "https://a.example/b?link=x.y.z"],
    ],
)
def test_what_is_no_token_is_refused(
    file: Path, action: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", *action]) == 2
    assert "TOKEN: " in capsys.readouterr().err


def test_without_a_file_nothing_can_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["token", "revoke", "t1"]) == 2
    assert main(["token", "list-revoked"]) == 2
    assert "revoked_file: must be set" in capsys.readouterr().err
