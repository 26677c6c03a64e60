"""SIGHUP with sites in the configuration file; what their log lines say, and the commands that are about one of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.cli import main
from tests.support.reloads import Reloads
from tests.support.serve_command import KEY, START_SECONDS, STOP_SECONDS, Served
from tests.support.waiting import wait_until

HOST = "b.example.org"


def table(directory: Path, *lines: str) -> str:
    return "\n".join((f'[sites."{HOST}"]', f'storage = "{directory}/b"', *lines, ""))


class Commands:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output and errors."""
        status = main(arguments)
        return (status, *self._capsys.readouterr())

    def output(self, *arguments: str) -> str:
        """What one prints that succeeds."""
        status, output, errors = self(*arguments)
        assert status == 0, errors
        return output


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/hello.txt").write_text("hello from b\n")
    (tmp_path / "b/plan.txt").write_text("plan of b\n")
    policy = '[[rule]]\npath = "plan.txt"\ntier = "private"\ngroups = ["staff"]\n'
    (tmp_path / "policy.toml").write_text(policy)
    return tmp_path


@pytest.fixture
def run(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    monkeypatch.chdir(directory)
    monkeypatch.setenv("PIERHEAD_SECRET_KEYS", KEY)
    return Commands(capsys)


class Workers:
    """Two of them, told to read their settings again."""

    def __init__(self, server: Served, file: Path) -> None:
        self.server = server
        self._file = file
        self._reload = Reloads(server.process.pid, server.admin, workers=2)

    def reload(self, text: str) -> list[str]:
        """Have them read this. Returns why they keep what they had."""
        self._file.write_text(text)
        return self._reload()

    def hello(self, host: str) -> set[str]:
        """What is answered on several connections, each perhaps of another worker."""
        urls = [f"{self.server.url}/hello.txt"] * 8
        return {httpx.get(url, headers={"Host": host}, trust_env=False).text for url in urls}


def test_sites_come_and_go_at_sighup_and_a_bad_one_changes_nothing(
    serve: Callable[..., Served], directory: Path, run: Commands
) -> None:
    workers = Workers(serve("--workers", "2", PIERHEAD_AUDIT_FILE="audit.log"), directory / "pierhead.toml")
    server = workers.server
    assert wait_until(lambda: len(server.workers()) == 2, START_SECONDS)
    assert workers.hello(HOST) == {"hello\n"}
    with_table = table(directory, 'policy_file = "policy.toml"')
    assert workers.reload(with_table) == []
    for text, said in (
        (table(directory, 'titel = "x"'), f'sites."{HOST}": titel'),
        (table(directory, 'policy_file = "none.toml"'), "none.toml"),
    ):
        (fault,) = workers.reload(text)
        assert said in fault
        assert (workers.hello(HOST), workers.hello("any.example")) == ({"hello from b\n"}, {"hello\n"})

    (directory / "pierhead.toml").write_text(with_table)
    of_site = ("--group", "staff", "--expires", "1h", "--site", HOST)
    token = run.output("token", "create", "--subject", "ci", *of_site).strip()
    fields = {"Host": HOST, "Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{server.url}/plan.txt", headers=fields, trust_env=False)
    assert (answer.status_code, answer.text) == (200, "plan of b\n")
    assert json.loads(run.output("token", "inspect", token))["site"] == HOST

    def logged() -> set[object]:
        return {line.get("site") for line in server.lines("request") if line["path"] == "/plan.txt"}

    assert wait_until(lambda: logged() == {HOST}, STOP_SECONDS), server.log
    assert workers.reload("") == []
    assert workers.hello(HOST) == {"hello\n"}


def test_commands_are_about_the_site_that_is_named(directory: Path, run: Commands) -> None:
    lines = ('policy_file = "policy.toml"', 'site_title = "B"')
    (directory / "pierhead.toml").write_text('audit_file = "audit.log"\n' + table(directory, *lines))
    assert "login needed" in run("explain", "plan.txt", "--site", HOST)[1]
    assert "login needed" in run("explain", f"https://{HOST.upper()}:443/plan.txt")[1]
    assert f'sites."{HOST}")' in run("config", "--site", HOST)[1]
    url = f"https://{HOST}/plan.txt"
    assert run("link", url, "--expires", "1h")[1].startswith(f"{url}?")
    (line,) = (directory / "audit.log").read_text().splitlines()
    assert json.loads(line)["site"] == HOST


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("explain plan.txt", f"--site: must name one of the sites: {HOST}"),
        ("explain plan.txt --site c", f"there is no site 'c'; there are {HOST}"),
        ("explain https://c/plan.txt", f"there is no site at c; there are sites at {HOST}"),
        ("link plan.txt --expires 1h", "--site: must be the URL of the site, as there are several"),
        ("token create --subject ci --expires 1h", f"--site: must name one of the sites: {HOST}"),
    ],
)
def test_one_has_to_be_named(directory: Path, run: Commands, arguments: str, said: str) -> None:
    (directory / "pierhead.toml").write_text(table(directory))
    status, _, errors = run(*arguments.split())
    assert (status, said in errors) == (2, True), errors
