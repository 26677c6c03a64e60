"""The settings that docs/login.md shows are settings, and say what it takes them for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config import load_settings

PAGE = (Path(__file__).parents[2] / "docs" / "login.md").read_text("utf-8")
BLOCKS = re.findall(r"(?:^    PIERHEAD_\w+=.*\n)+", PAGE, re.MULTILINE)
SECRET = "a-secret-that-is-long-enough-for-anything-here"


def given(block: str) -> dict[str, str]:
    """The variables of a block, with a secret where the text has dots."""
    lines = (re.sub(r" +#.*", "", line).strip() for line in block.splitlines())
    return {name: value.replace("...", SECRET) for name, _, value in (line.partition("=") for line in lines)}


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("=")[0].strip() for block in BLOCKS])
def test_documented_variables_are_settings(block: str) -> None:
    variables = given(block)
    settings = load_settings(environ=variables, file=None, overrides={}).settings
    for name in variables:
        assert name.removeprefix("PIERHEAD_").lower() in settings.model_fields_set


@pytest.mark.parametrize("line", re.findall(r"`(\w+ = \".*?\")`", PAGE))
def test_documented_lines_are_settings(line: str, tmp_path: Path) -> None:
    file = tmp_path / "pierhead.toml"
    file.write_text(line + "\n")
    settings = load_settings(environ={}, file=file, overrides={}).settings
    assert line.partition(" ")[0] in settings.model_fields_set


def test_they_are_found() -> None:
    assert len(BLOCKS) == 4
