"""What operators do by commands is in the audit log too, where that is a file."""

from __future__ import annotations

import json
import os
import pwd
import time
from pathlib import Path
from typing import Any

import pytest

from app.auth.keys import KeyRing
from app.auth.revocation import read_revoked
from app.auth.tokens import read_token
from app.cli import main
from tests.support.live_server import SECRET, token

OPERATOR = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with settings, where `audit` is the log and `revoked` the list."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pierhead.toml").write_text(
        f'secret_keys = ["{SECRET}"]\nrevoked_file = "revoked"\nreplica_id = "eu-1"\naudit_file = "audit"\n'
    )
    return tmp_path


def told(here: Path) -> list[dict[str, Any]]:
    """The lines of the log, without their times."""
    lines = [json.loads(line) for line in (here / "audit").read_text().splitlines()]
    for line in lines:
        assert line.pop("timestamp").endswith("Z")
        assert (line.pop("replica"), line.pop("client"), line.pop("operator")) == ("eu-1", None, OPERATOR)
    return lines


def test_a_token_that_is_created_is_told_and_not_shown(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--subject", "robot", "--group", "b", "a", "--expires", "1h", "--scope", "refresh"]
    assert main(["token", "create", *arguments]) == 0
    text = capsys.readouterr().out.strip()
    grant = read_token(KeyRing([SECRET]), text)
    created = {"event": "token_created", "subject": "robot", "groups": ["a", "b"], "scopes": ["refresh"]}
    assert told(here) == [created | {"id": grant.id, "expires": grant.expires}]
    assert text not in (here / "audit").read_text()
    assert SECRET not in (here / "audit").read_text()


def test_a_link_that_is_created_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = int(time.time())
    assert main(["link", "/members/a plan.txt", "--expires", "1d"]) == 0
    (line,) = told(here)
    assert (line["event"], line["path"]) == ("link_created", "/members/a%20plan.txt")
    assert begun + 86400 <= line["expires"] <= time.time() + 86400
    assert len(line["id"]) == 32
    assert capsys.readouterr().out.split("link=")[1].strip() not in (here / "audit").read_text()


def test_what_is_revoked_is_told_with_its_reason(here: Path) -> None:
    text = token("staff", now=time.time(), id="t1")
    assert main(["token", "revoke", text, "--note", "lost laptop"]) == 0
    assert main(["token", "revoke", "by-id"]) == 0
    assert told(here) == [
        {"event": "revoked", "subject": "robot", "id": "t1", "note": "lost laptop"},
        {"event": "revoked", "subject": None, "id": "by-id", "note": ""},
    ]


@pytest.mark.parametrize("command", [["token", "create", "--subject", "robot"], ["link", "/f"]])
def test_what_cannot_be_told_is_not_made(
    here: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "audit").mkdir()
    assert main([*command, "--expires", "1h"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "audit_file: audit cannot be written: Is a directory; there is no" in said.err


def test_what_cannot_be_told_is_revoked_all_the_same(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "audit").mkdir()
    assert main(["token", "revoke", "t1"]) == 2
    assert "Is a directory; t1 is revoked nevertheless" in capsys.readouterr().err
    assert read_revoked(here / "revoked") == {"t1": ""}


def test_without_a_file_commands_tell_nobody(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = here / "pierhead.toml"
    settings.write_text(settings.read_text().replace('audit_file = "audit"\n', ""))
    assert main(["token", "create", "--subject", "robot", "--expires", "1h"]) == 0
    assert capsys.readouterr().err == ""
    assert not (here / "audit").exists()
