"""The audit log: who did what, no secret among it, and nothing done that it does not have."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.auth.limits import RATES, Limit
from app.auth.revocation import READ_SECONDS
from app.cli import main
from tests.support.answers import SCRIPT, problem
from tests.support.fake_provider import fake_provider
from tests.support.licence_form import open_form
from tests.support.live_server import SECRET, app_over, live_server, token
from tests.support.login_sites import FormSite, form_site, log_in, login_site
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import http_client

PROJECT = Path(__file__).parents[2]
PRIVATE = "/members/plan.txt"
LICENCE = b"Be nice."
DIGEST = hashlib.md5(LICENCE, usedforsecurity=False).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def site(file: Path) -> Iterator[FormSite]:
    with form_site(audit_file=file) as made:
        yield made


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def told(file: Path, *fields: str) -> list[tuple[Any, ...]]:
    """The events, with some of their fields."""
    return [tuple(line.get(field) for field in ("event", *fields)) for line in lines(file)]


@contextmanager
def taken_away(directory: Path) -> Iterator[None]:
    """Nothing can be written there until the block ends."""
    aside = directory.rename(directory.with_name("aside"))
    yield
    aside.rename(directory)


def test_a_login_a_refusal_and_a_logout_are_told(site: FormSite, file: Path) -> None:
    site.person.get(PRIVATE)  # a stranger is refused: that is nobody
    log_in(site.person, "bob", "guessed")
    log_in(site.person, "bob")
    site.person.get(PRIVATE)
    site.person.submit(site.person.get("/-/account"), "/logout")
    failed, login, refused, logout = lines(file)
    assert login == {
        "timestamp": "2027-01-15T08:00:00.000000Z", "event": "login", "replica": "test", "client": "127.0.0.1",
        "subject": "bob", "id": login["id"], "method": "demo",
    }  # fmt: skip
    assert (failed["event"], failed["subject"], failed["code"]) == ("login_failed", "bob", "password")
    assert {line["id"] for line in (login, refused, logout)} == {login["id"]}
    shown = [refused[name] for name in ("event", "subject", "path", "status", "code")]
    assert shown == ["refused", "bob", PRIVATE, 403, "group-required"]
    assert (logout["event"], logout["subject"]) == ("logout", "bob")
    assert "guessed" not in file.read_text()
    assert not any(value in file.read_text() for value in dict(site.person.client.cookies).values())


def test_a_form_of_another_site_is_told_with_the_session_that_it_would_have_used(
    site: FormSite, file: Path
) -> None:
    log_in(site.person, "alice")
    assert site.person.client.post("/logout", data={"form_token": "x"}).status_code == 403
    login, refused = told(file, "id", "subject", "path", "code")
    assert refused == ("refused", login[1], "alice", "/logout", "form-refused")


def test_by_the_provider_only_the_login_itself_is_told(file: Path) -> None:
    with fake_provider() as provider, login_site(provider, audit_file=file) as site:
        site.person.get("/login")
        site.clock.now += 901
        assert site.person.get(PRIVATE).status_code == 200  # its groups were asked for again
        site.person.get("/login/callback?state=forged")
        session = site.session()
    assert told(file, "subject", "method", "id", "code") == [
        ("login", "alice", "oidc", session, None),
        ("login_failed", None, None, None, "attempt"),
    ]


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (("guests", {}), ("refused", "robot", "t1", 403, "group-required")),
        (("guests", {"life": -1}), ("refused", None, "", 401, "token-expired")),
        (("staff", {"paths": ("other",)}), ("refused", "robot", "t1", 403, "group-required")),
        (None, ("refused", None, "", 401, "token-malformed")),
    ],
)
def test_a_token_that_opens_nothing_is_told(
    site: FormSite, file: Path, credential: tuple[str, dict[str, Any]] | None, expected: tuple[Any, ...]
) -> None:
    group, grant = credential or ("", {})
    text = token(group, now=site.clock.now, **grant) if credential else "x"
    answer = site.person.client.get(PRIVATE, headers={"Authorization": f"Bearer {text}"} | SCRIPT)
    assert answer.status_code in (401, 403)
    assert told(file, "subject", "id", "status", "code") == [expected]
    assert told(file, "path") == [("refused", PRIVATE)]
    assert text == "x" or text not in file.read_text()


def test_a_wrong_password_is_told_with_the_name_that_was_given(site: FormSite, file: Path) -> None:
    answer = site.person.client.get(PRIVATE, auth=("alice", "a guess"), headers=SCRIPT)
    assert answer.status_code == 401
    assert told(file, "subject", "id", "path", "code") == [("refused", "alice", "", PRIVATE, "password")]
    assert "a guess" not in file.read_text()


def test_guesses_beyond_the_limit_are_told_as_well(site: FormSite, file: Path) -> None:
    burst = RATES[Limit.LOGINS_OF_USER].burst
    for number in range(burst + 1):
        answer = log_in(site.person, "alice", f"guess {number}")
    assert answer.status_code == 429
    answer = site.person.client.get(PRIVATE, auth=("alice", "a guess"), headers=SCRIPT)
    assert answer.status_code == 429
    failed = told(file, "subject", "code")
    assert failed[:burst] == [("login_failed", "alice", "password")] * burst
    assert failed[burst:] == [("login_failed", "alice", "too-many-requests")] * 2


def test_use_after_revocation_is_told_of_tokens_and_of_logins(file: Path, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.touch()
    with form_site(audit_file=file, revoked_file=revoked) as site:
        log_in(site.person, "alice")
        (session,) = [line["id"] for line in lines(file)]
        revoked.write_text(f"t1\n{session}\n")
        site.clock.now += READ_SECONDS
        member = {"Authorization": f"Bearer {token('staff', now=site.clock.now)}"}
        for path in (PRIVATE, "/"):  # the second is of the fast path, as long as the token holds
            assert site.person.client.get(path, headers=member | SCRIPT).status_code == 401
        assert site.person.get(PRIVATE).status_code == 401
    assert told(file, "subject", "kind", "id", "path")[1:] == [
        ("revoked_used", "robot", "token", "t1", PRIVATE),
        ("revoked_used", "robot", "token", "t1", "/"),
        ("revoked_used", "alice", "session", session, PRIVATE),
    ]


def test_accepted_licences_are_told_by_form_and_by_header(file: Path) -> None:
    store = MemoryStore()
    store.put("b/EULA.txt", LICENCE)
    store.put("b/ü.img", b"content")
    app = app_over(store, audit_file=file, policy='[[serve]]\npath = "b"\nindex = ["ü.img"]\n')
    with live_server(app) as server, http_client(server.url) as client:
        url = "/b/%C3%BC.img"
        assert client.get(url).status_code == 403
        assert client.get(url, headers={"License-Accepted": DIGEST}).status_code == 200
        browser = {"License-Accepted": DIGEST, "Accept": "text/html"}
        assert client.get("/b/", headers=browser).text == "content"
        open_form(client, url).send(client, "reject")
        open_form(client, url).send(client)
        assert client.get(url).status_code == 200  # by the cookie, which was told already
    sha256 = hashlib.sha256(LICENCE).hexdigest()
    assert told(file, "path", "digest", "sha256", "client", "means") == [
        ("licence_accepted", url, DIGEST, sha256, "127.0.0.1", means)
        for means in ("header", "header", "form")
    ]


def test_what_cannot_be_told_is_not_done(tmp_path: Path) -> None:
    place = tmp_path / "log"
    place.mkdir()
    with form_site(audit_file=place / "audit") as site:
        with taken_away(place):
            answer = log_in(site.person, "alice")
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert site.person.name() is None
            guest = {"Authorization": f"Bearer {token('guests', now=site.clock.now)}"}
            refused = site.person.client.get(PRIVATE, headers=guest | SCRIPT)
            assert problem(refused) == (503, "audit-unavailable")
            assert site.person.get("/README.txt").status_code == 200  # nothing is told of that
        log_in(site.person, "alice")
        assert site.person.name() == "alice"
        with taken_away(place):
            page = site.person.get("/-/account")
            assert site.person.submit(page, "/logout").status_code == 503
            assert site.person.name() == "alice"
    assert told(place / "audit", "subject") == [("login", "alice")]


SAY = """
import asyncio, sys
from app.telemetry import Audit, LoggedOut, configure_logging, writer_to
configure_logging("error", "json")
asyncio.run(Audit(None, "r1").note(LoggedOut("s1"), client="192.0.2.7", subject="alice"))
writer_to(sys.stderr).flush(60)
"""


def test_without_a_file_events_are_logged_at_any_level() -> None:
    command = [sys.executable, "-c", SAY]
    line = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=PROJECT).stderr)
    shown = [line[name] for name in ("logger", "event", "replica", "client", "subject", "id")]
    assert shown == ["pierhead.audit", "logout", "r1", "192.0.2.7", "alice", "s1"]


def test_a_server_that_could_not_write_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree").mkdir()
    monkeypatch.setenv("PIERHEAD_AUDIT_FILE", "none/audit")
    assert main(["serve", "--storage", "tree", "--port", "0"]) == 2
    assert "PIERHEAD_AUDIT_FILE (environment): none/audit cannot be written to" in capsys.readouterr().err


def test_names_that_are_given_cannot_forge_a_line(site: FormSite, file: Path) -> None:
    log_in(site.person, 'x"}\n{"event": "login"' + "y" * 500, "z")
    (line,) = lines(file)
    assert (line["event"], line["code"]) == ("login_failed", "password")
    assert len(line["subject"]) == 256


def test_the_key_is_in_no_line(site: FormSite, file: Path) -> None:
    log_in(site.person, "alice")
    assert SECRET not in file.read_text()
