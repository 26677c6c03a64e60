"""SIGHUP: another policy, other keys and settings at once, and the former ones where the new cannot be used."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from app.auth.keys import KeyRing
from app.auth.tokens import TokenGrant, issue_token
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.reloads import Reloads
from tests.support.serve_command import START_SECONDS, STOP_SECONDS, Served
from tests.support.switched_s3 import BUCKET, SwitchedS3, run_switched_s3
from tests.support.waiting import wait_until

KEYS = tuple(f"key-number-{number}-of-the-tests-of-this-file" for number in range(2))
OPEN = ""
CLOSED = '[[rule]]\npath = "**"\ntier = "private"\ngroups = ["staff"]\n'


class Reloadable:
    """A server that has everything from files, asked over connections that stay open."""

    def __init__(self, serve: Callable[..., Served], directory: Path, workers: int, **environ: str) -> None:
        self.directory = directory
        self.write_policy(OPEN)
        self.write_settings()
        self.server = serve("--workers", str(workers), PIERHEAD_SECRET_KEYS="", **environ)
        assert wait_until(lambda: len(self.server.workers()) == workers, START_SECONDS)
        self.reload = Reloads(self.server.process.pid, self.server.admin, workers)
        # Enough of them that each worker has some.
        self.clients = [httpx.Client(base_url=self.server.url, trust_env=False) for _ in range(8 * workers)]

    def write_policy(self, text: str) -> None:
        (self.directory / "policy.toml").write_text(text)

    def write_settings(self, keys: tuple[str, ...] = KEYS[:1], **values: object) -> None:
        lines = [f'{name} = "{value}"\n' for name, value in values.items()]
        (self.directory / "pierhead.toml").write_text(
            f'policy_file = "policy.toml"\nsecret_keys = {list(keys)}\n{"".join(lines)}'
        )

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = httpx.get(f"{self.server.admin}/-/state", trust_env=False).json()
        return state

    def statuses(self, path: str, **fields: str) -> set[int]:
        """What is answered on all the connections."""
        return {client.get(path, headers=fields).status_code for client in self.clients}


@contextmanager
def served_by(serve: Callable[..., Served], directory: Path, workers: int) -> Iterator[Reloadable]:
    reloadable = Reloadable(serve, directory, workers, PIERHEAD_CACHE_TTL="3600")
    try:
        yield reloadable
    finally:
        for client in reloadable.clients:
            client.close()


@pytest.fixture(params=[1, 2])
def reloadable(
    serve: Callable[..., Served], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Reloadable]:
    with served_by(serve, tmp_path, request.param) as served:
        yield served


@pytest.fixture
def workers(serve: Callable[..., Served], tmp_path: Path) -> Iterator[Reloadable]:
    with served_by(serve, tmp_path, 2) as served:
        yield served


def bearer(key: str) -> str:
    grant = TokenGrant("robot", frozenset({"staff"}), time.time() + 600, time.time(), "1")
    return f"Bearer {issue_token(KeyRing([key]), grant)}"


def test_a_path_that_is_closed_is_closed_at_once_on_every_connection(reloadable: Reloadable) -> None:
    for _ in range(2):  # the second time from memory
        assert reloadable.statuses("/") == {200}
        assert reloadable.statuses("/hello.txt") == {200}
    reloadable.write_policy(CLOSED)
    assert reloadable.reload() == []
    for path in ("/", "/hello.txt"):
        assert reloadable.statuses(path) == {401}
        assert reloadable.statuses(path, Authorization=bearer(KEYS[0])) == {200}
    reloadable.write_policy(OPEN)
    reloadable.reload()
    assert reloadable.statuses("/hello.txt") == {200}


SPOILT: dict[str, tuple[Callable[[Reloadable], object], str]] = {
    "policy is not TOML": (lambda server: server.write_policy("[[rule"), "policy.toml"),
    "policy with a wrong tier": (
        lambda server: server.write_policy('[[rule]]\npath = "a"\ntier = "secret"\n'),
        "policy.toml, line 3",
    ),
    "licence text that is not there": (
        lambda server: server.write_policy(
            '[[rule]]\npath = "a"\ntier = "eula"\nlicence_file = "gone.txt"\n'
        ),
        "gone.txt",
    ),
    "a short key": (lambda server: server.write_settings(keys=("short",)), "secret_keys"),
    "an unknown setting": (lambda server: server.write_settings(tires="round"), "tires"),
    "a file of its own that is published": (
        lambda server: server.write_settings(revoked_file="tree/hello.txt"),
        "which is published",
    ),
    "an audit log that cannot be written": (
        lambda server: server.write_settings(audit_file="/no/log"),
        "/no/log",
    ),
}


def test_a_file_that_cannot_be_used_changes_nothing_and_that_is_said(workers: Reloadable) -> None:
    workers.write_policy(CLOSED)
    workers.reload()
    for spoil, fault in SPOILT.values():
        assert "pierhead_last_reload_successful 1.0" in workers.server.metrics()
        spoil(workers)
        assert fault in str(workers.reload())
        assert fault in str(workers.server.lines("reload_failed")[-1]["faults"])
        assert "pierhead_last_reload_successful 0.0" in workers.server.metrics()
        assert workers.statuses("/hello.txt") == {401}
        workers.write_settings()
        workers.write_policy(CLOSED)
        assert workers.reload() == []


def test_a_worker_that_is_replaced_goes_by_the_same_plan_as_the_others(workers: Reloadable) -> None:
    workers.write_policy(CLOSED)
    workers.reload()
    workers.write_policy("[[rule")
    assert workers.reload()
    os.kill(workers.server.workers()[0], signal.SIGKILL)
    assert wait_until(lambda: len(workers.server.workers()) == 3, START_SECONDS)
    url = f"{workers.server.url}/hello.txt"
    assert {httpx.get(url, trust_env=False).status_code for _ in range(20)} == {401}
    assert wait_until(lambda: workers.reload.known() == {2}, STOP_SECONDS)
    assert "pierhead_last_reload_successful 0.0" in workers.server.metrics()


def test_keys_are_rotated_without_a_restart(reloadable: Reloadable) -> None:
    reloadable.write_policy(CLOSED)
    old, new = map(bearer, KEYS)
    reloadable.reload()

    def believed() -> list[set[int]]:
        return [reloadable.statuses("/hello.txt", Authorization=token) for token in (old, new)]

    assert believed() == [{200}, {401}]
    reloadable.write_settings(keys=KEYS)
    reloadable.reload()
    assert believed() == [{200}, {200}]
    reloadable.write_settings(keys=KEYS[1:])
    reloadable.reload()
    assert believed() == [{401}, {200}]
    assert len(reloadable.state()["keys"]) == 1


def test_a_key_that_was_generated_outlives_a_reload(workers: Reloadable) -> None:
    workers.write_settings(keys=())
    workers.reload()
    keys = workers.state()["keys"]
    workers.reload()
    assert workers.state()["keys"] == keys
    shown = workers.state()["settings"]["secret_keys"]
    assert shown == {"is_set": True, "source": "generated at start"}


def test_a_download_that_has_begun_ends_well(reloadable: Reloadable) -> None:
    size = (reloadable.directory / "tree/large.img").stat().st_size
    with httpx.stream("GET", f"{reloadable.server.url}/large.img", trust_env=False, timeout=60) as answer:
        chunks = answer.iter_raw(1 << 16)
        read = len(next(chunks))
        reloadable.write_policy(CLOSED)
        reloadable.reload()
        assert reloadable.statuses("/large.img") == {401}
        assert read + sum(map(len, chunks)) == size
    status, _ = reloadable.server.stop()
    assert status == 0
    assert "Traceback" not in reloadable.server.log


def test_no_request_fails_while_it_reloads_again_and_again(reloadable: Reloadable) -> None:
    for _ in range(4):
        reloadable.server.process.send_signal(signal.SIGHUP)
        for _ in range(10):
            assert reloadable.statuses("/hello.txt") | reloadable.statuses("/") == {200}
    assert wait_until(lambda: min(reloadable.reload.known()) > 0, STOP_SECONDS)
    assert reloadable.server.stop()[0] == 0
    assert "Traceback" not in reloadable.server.log


def test_other_settings_count_at_once_and_those_of_the_process_after_a_restart(
    reloadable: Reloadable,
) -> None:
    assert reloadable.statuses("/metrics") == {403}
    reloadable.write_settings(
        trusted_networks="127.0.0.1/32", log_level="warning", site_title="Other", admin_listen="127.0.0.1:1"
    )
    assert reloadable.reload() == []
    assert reloadable.statuses("/metrics") == {200}
    titles = {
        "Other" in client.get("/", headers={"Accept": "text/html"}).text for client in reloadable.clients
    }
    assert titles == {True}
    (line,) = reloadable.server.lines("restart_needed")
    assert str(line["settings"]) == "['admin_listen']"
    shown = reloadable.state()["settings"]["admin_listen"]
    assert shown == {"value": "127.0.0.1:0", "source": "default"}
    reloadable.statuses("/unlogged.txt")
    reloadable.write_settings()
    assert reloadable.reload() == []
    assert reloadable.statuses("/metrics") == {403}
    reloadable.statuses("/logged.txt")

    def logged() -> set[str]:
        return {line["path"] for line in reloadable.server.lines("request")}

    assert wait_until(lambda: "/logged.txt" in logged(), STOP_SECONDS)
    assert "/unlogged.txt" not in logged()


@contextmanager
def over_s3(directory: Path, objects: dict[str, bytes]) -> Iterator[tuple[SwitchedS3, RunningPierhead]]:
    """A server of one worker over an S3 whose credentials are in a file."""
    write_credentials(directory, "FORMER")
    with run_switched_s3(objects) as s3:
        environ = {
            "AWS_ENDPOINT_URL_S3": s3.url,
            "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(directory / "aws-config"),
            "PIERHEAD_CACHE_TTL": "3600",
        }
        with run_pierhead(f"s3://{BUCKET}", directory, environ=environ) as server:
            yield s3, server


def write_credentials(directory: Path, key: str) -> None:
    text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n"
    (directory / "credentials").write_text(text)


def get(server: RunningPierhead, path: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", headers={"Accept": "text/html"}, trust_env=False)


def reads(s3: SwitchedS3) -> int:
    """Calls for the content of the folder `d`."""
    return sum("d/" in unquote(request.target) for request in s3.requests)


PATHS = ("/d/", "/d/closed/", "/d/closed/f.txt")
FOLDER = {
    "d/f.txt": b"0123456789",
    "d/README.md": b"# About these files",
    "d/SHA256SUMS": b"0" * 64 + b"  f.txt\n",
    "d/closed/BUILD-INFO.txt": b"Format-Version: 0.5\n\nFiles-Pattern: *\nBuild-Name: x\nAuth-Groups: staff\n",
    "d/closed/f.txt": b"x",
}


def test_s3_is_asked_with_the_credentials_as_they_are_now(tmp_path: Path) -> None:
    with over_s3(tmp_path, FOLDER) as (s3, server):
        assert get(server, "/d/").status_code == 200
        assert any("Credential=FORMER%2F" in request.target for request in s3.requests)
        write_credentials(tmp_path, "LATTER")
        assert Reloads(server.pid, server.admin)() == []
        before = len(s3.requests)
        assert get(server, "/d/closed/").status_code == 401
        since = [request.target for request in s3.requests[before:]]
        assert any("Credential=LATTER%2F" in target for target in since)
        assert not any("FORMER" in target for target in since)


def test_folders_stay_in_memory_while_nothing_changes_that_they_depend_on(tmp_path: Path) -> None:
    changes = ('log_level = "warning"', f'secret_keys = ["{KEYS[0]}"]', 'site_title = "Other"')
    with over_s3(tmp_path, FOLDER) as (s3, server):
        reload = Reloads(server.pid, server.admin)
        answers = [get(server, path).status_code for path in PATHS]
        assert answers == [200, 401, 401]
        before = reads(s3)
        for change in changes:
            set_up(tmp_path, change)
            assert reload() == []
            assert [get(server, path).status_code for path in PATHS] == answers
        page = get(server, "/d/").text
        assert ("About these files" in page, "Other" in page) == (True, True)
        assert reads(s3) == before


def test_folders_are_read_again_where_that_has_changed(tmp_path: Path) -> None:
    (tmp_path / "overlay").mkdir()
    changes: list[Callable[[], object]] = [
        lambda: (tmp_path / "policy.toml").write_text(CLOSED.replace("**", "d/f.txt")),
        lambda: set_up(tmp_path, 'default_tier = "closed"'),
        lambda: set_up(tmp_path, 'overlay = "overlay"'),
        lambda: (tmp_path / "aws-config").write_text("[default]\nregion = us-east-1\n"),
    ]
    with over_s3(tmp_path, FOLDER) as (s3, server):
        reload = Reloads(server.pid, server.admin)
        assert get(server, "/d/f.txt").status_code != 401
        for change in changes:
            get(server, "/d/")
            before = reads(s3)
            change()
            assert reload() == []
            assert get(server, "/d/f.txt").status_code == 401
            get(server, "/d/")
            assert reads(s3) > before


def set_up(directory: Path, line: str) -> None:
    """Write one setting into the configuration file, in place of what it says there."""
    file = directory / "pierhead.toml"
    others = [former for former in file.read_text().splitlines() if former.split()[0] != line.split()[0]]
    file.write_text("\n".join([*others, line, ""]))
