"""`docs/settings.md` says what the code does, setting by setting."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.config import PREFIX, Settings, allowed, load_settings, masked

PAGE = Path(__file__).parents[2] / "docs/settings.md"


def documented_rows() -> list[str]:
    return [line for line in PAGE.read_text().splitlines() if f"` | `{PREFIX}" in line]


def row_of(name: str) -> str:
    default = "the host's name" if name == "replica_id" else masked(Settings.model_construct())[name]
    shown = default if " " in default or not default else f"`{default}`"
    description = Settings.model_fields[name].description
    return f"| `{name}` | `{PREFIX}{name.upper()}` | {shown or 'none'} | {allowed(name)} | {description} |"


def test_every_setting_has_its_row_and_every_row_its_setting() -> None:
    assert documented_rows() == [row_of(name) for name in Settings.model_fields]


def example() -> str:
    return PAGE.read_text().split("```toml\n")[1].split("```")[0]


def test_the_example_file_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "pierhead.toml"
    file.write_text(example())
    loaded = load_settings(environ={}, file=file)
    assert set(tomllib.loads(example())) == {
        name for name, source in loaded.sources.items() if source == str(file)
    }


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md", "docs/http.md", "docs/threat-model.md"])
def test_no_page_names_a_setting_that_there_is_not(name: str) -> None:
    known = {PREFIX + setting.upper() for setting in Settings.model_fields} | {"PIERHEAD_CONFIG_FILE"}
    text = (PAGE.parents[1] / name).read_text()
    words = {word.strip("`.,:;()\"'$={}") for word in text.replace("=", " ").split()}
    named = {word for word in words if word.startswith(PREFIX)}
    assert named <= known
