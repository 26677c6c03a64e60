"""The role for Ansible names what there is: settings, variables, files, the unit."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from app.config import Settings, is_secret
from tests.support.deployment import ADMIN_PORT, CONTAINERS, seconds_of, settings_of, stop_seconds, yaml_of

ANSIBLE = CONTAINERS / "ansible"
ROLE = ANSIBLE / "roles/pierhead"
(PLAY,) = yaml.safe_load((ANSIBLE / "site.yaml").read_text())
(EXAMPLE,) = PLAY["roles"]
DEFAULTS = yaml_of(ROLE / "defaults/main.yaml")
OPTIONS = yaml_of(ROLE / "meta/argument_specs.yaml")["argument_specs"]["main"]["options"]


def in_place(path: str) -> Path:
    return Path(path.replace("{{ role_path }}", str(ROLE)))


def test_the_example_is_one_that_the_server_takes() -> None:
    settings = settings_of(
        {f"PIERHEAD_{name.upper()}": value for name, value in EXAMPLE["pierhead_settings"].items()}
    )
    unit = (in_place(DEFAULTS["pierhead_unit"])).read_text()
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert stop_seconds(settings) < seconds_of(f"{stop}s")
    named = {name for name in EXAMPLE["pierhead_environment"] if name.startswith("PIERHEAD_")}
    assert {name.removeprefix("PIERHEAD_").lower() for name in named} <= set(Settings.model_fields)


def test_the_files_that_it_takes_are_there() -> None:
    for name in EXAMPLE["pierhead_files"]:
        assert (ANSIBLE / name).is_file()
        assert EXAMPLE["pierhead_settings"]["policy_file"] == f"{DEFAULTS['pierhead_configuration']}/{name}"
    assert in_place(DEFAULTS["pierhead_lock"]).is_file()


def test_the_documented_variables_are_those_that_are_used() -> None:
    tasks = "".join(
        path.read_text() for path in ROLE.rglob("*") if path.parent.name in ("tasks", "handlers", "templates")
    )
    made = set(re.findall(r"register: (\w+)", tasks)) | {"pierhead_release"}
    assert set(re.findall(r"\bpierhead_\w+", tasks)) - made == set(OPTIONS)
    assert set(OPTIONS) == {*DEFAULTS, "pierhead_wheel"}
    assert {name for name in EXAMPLE if name.startswith("pierhead_")} <= set(OPTIONS)


def test_the_places_of_the_unit_are_those_of_the_role() -> None:
    unit = in_place(DEFAULTS["pierhead_unit"]).read_text()
    assert f"ExecStart={DEFAULTS['pierhead_home']}/bin/pierhead serve" in unit
    assert f"--config {DEFAULTS['pierhead_configuration']}/pierhead.toml" in unit
    assert f"EnvironmentFile=-{DEFAULTS['pierhead_configuration']}/environment\n" in unit


def test_secrets_are_told_from_other_settings_by_their_names() -> None:
    (pattern,) = re.findall(r"select\('match', '([^']+)'\)", (ROLE / "tasks/configure.yaml").read_text())
    matched = {name for name in Settings.model_fields if re.match(pattern, name)}
    assert matched == {name for name in Settings.model_fields if is_secret(name)}


def test_it_waits_at_the_admin_listener() -> None:
    assert DEFAULTS["pierhead_ready_url"] == f"http://127.0.0.1:{ADMIN_PORT}/readyz"
