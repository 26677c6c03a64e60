"""What stands in `containers/` and in the code at once is the same in both."""

from __future__ import annotations

import re
from pathlib import Path

from app.config import Settings

CONTAINERS = Path(__file__).parents[2] / "containers"


def test_every_setting_that_is_named_exists() -> None:
    for name in ("Containerfile", "compose.yaml"):
        named = set(re.findall(r"PIERHEAD_([A-Z_]+)", (CONTAINERS / name).read_text()))

        assert named, name
        assert {setting.lower() for setting in named} <= set(Settings.model_fields), name


def test_the_port_is_the_default_one() -> None:
    containerfile = (CONTAINERS / "Containerfile").read_text()

    assert f"EXPOSE {Settings.model_fields['port'].default}\n" in containerfile


def test_both_services_run_with_as_few_rights_as_can_be() -> None:
    compose = (CONTAINERS / "compose.yaml").read_text()

    for line in ("read_only: true", "- ALL", "- no-new-privileges:true", "healthcheck:"):
        assert compose.count(line) == (1 if line == "healthcheck:" else 2), line
