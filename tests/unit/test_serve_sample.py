"""`make run`: what the server is started with, and what the newcomer is told."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from scripts.sample_tree.items import Blob
from scripts.sample_tree.plan import plan
from scripts.serve_sample import (
    EULA_FILE,
    PRIVATE_FILE,
    PUBLIC_FILE,
    base_url,
    hints,
    key_directory,
    secret_key_file,
    server_environment,
    token_command,
)


def test_only_this_machine_gets_the_demonstrations_people(tmp_path: Path) -> None:
    name = "PIERHEAD_DEMO_LOGIN_GROUPS"
    assert server_environment({}, tmp_path)[name] == "members"
    assert name not in server_environment({}, tmp_path, "0.0.0.0")


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = secret_key_file(tmp_path / "run")
    key = path.read_text()

    assert len(key) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_key_file(tmp_path / "run").read_text() == key


def test_the_sample_tree_is_served_with_its_policy(tmp_path: Path) -> None:
    environment = server_environment({"PATH": "/bin"}, tmp_path)

    assert environment["PATH"] == "/bin"
    assert environment["PIERHEAD_STORAGE"] == f"file://{tmp_path}/tree"
    assert environment["PIERHEAD_POLICY_FILE"] == f"{tmp_path}/policy.toml"
    assert (tmp_path / "tree" / PUBLIC_FILE).is_file()


def test_a_storage_that_is_set_wins_and_nothing_is_built(tmp_path: Path) -> None:
    environment = server_environment({"PIERHEAD_STORAGE": "s3://bucket/prefix"}, tmp_path)

    assert environment["PIERHEAD_STORAGE"] == "s3://bucket/prefix"
    assert "PIERHEAD_POLICY_FILE" not in environment
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_keys_that_are_set_win_in_the_server_and_in_the_token(tmp_path: Path) -> None:
    given = {"PIERHEAD_STORAGE": "s3://bucket", "PIERHEAD_SECRET_KEYS": "k" * 32}

    assert server_environment(given, tmp_path)["PIERHEAD_SECRET_KEYS"] == "k" * 32
    assert list(tmp_path.iterdir()) == []
    assert token_command(None, "pierhead").startswith("pierhead token create ")
    assert "secret-key" in token_command(tmp_path / "secret-key", "pierhead")


@pytest.mark.parametrize("setting", ["PIERHEAD_STORAGE", "PIERHEAD_OVERLAY"])
@pytest.mark.parametrize("spelling", ["{}", "file://{}", "{}/run/..", "{}-link"])
def test_the_key_is_kept_outside_of_what_is_published(tmp_path: Path, setting: str, spelling: str) -> None:
    published = tmp_path / "site"
    published.mkdir()
    (tmp_path / "site-link").symlink_to(published)
    state = tmp_path / "state"
    given = {
        "PIERHEAD_STORAGE": "s3://bucket",
        setting: spelling.format(published),
        "XDG_STATE_HOME": str(state),
    }
    (published / "run").mkdir()

    key = server_environment(given, published / "run")["PIERHEAD_SECRET_KEYS"]

    assert (state / "pierhead" / "secret-key").read_text() == key
    assert list((published / "run").iterdir()) == []
    assert key_directory(given, tmp_path / "run") == tmp_path / "run"


def test_a_key_that_would_be_published_everywhere_is_not_made(tmp_path: Path) -> None:
    given = {"PIERHEAD_STORAGE": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with pytest.raises(OSError, match="set PIERHEAD_SECRET_KEYS"):
        server_environment(given, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("::", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_url_works_on_this_machine(host: str, base: str) -> None:
    assert base_url(host, 8000) == base


def test_the_hints_name_files_that_exist() -> None:
    printed = hints("http://127.0.0.1:8000", "file:///tree", "pierhead token create")
    paths = {item.path for item in plan() if isinstance(item, Blob)}

    for path in (PUBLIC_FILE, EULA_FILE, PRIVATE_FILE):
        assert path in paths
        assert f"http://127.0.0.1:8000/{path}" in printed
