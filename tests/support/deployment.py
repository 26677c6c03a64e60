"""What `containers/` names, held against the server: settings, ports, durations, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from app.config import Settings

PROJECT: Final = Path(__file__).parents[2]
CONTAINERS: Final = PROJECT / "containers"
PORT: Final[int] = Settings.model_fields["port"].default
ADMIN_PORT: Final = PORT + 1
"""Where the operator's listener is, unless a setting says otherwise."""

Tree = dict[str, Any]


def yaml_of(path: Path) -> Tree:
    """The one document of a YAML file."""
    document: Tree = yaml.safe_load(path.read_text())
    return document


def unknown_settings(text: str) -> list[str]:
    """Each setting that a text names as an environment variable, and that the server does not have."""
    named = {name.lower() for name in re.findall(r"PIERHEAD_([A-Z_]+)", text)}
    return sorted(named - set(Settings.model_fields))


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings that these variables make, as the server checks them.

    Raises:
        ValidationError: the server would not start.
    """
    given = {
        name.removeprefix("PIERHEAD_").lower(): value
        for name, value in environment.items()
        if name.startswith("PIERHEAD_")
    }
    return Settings.model_validate(given)


def seconds_of(duration: str) -> int:
    """`75s`, in seconds."""
    (number,) = re.findall(r"^(\d+)s$", duration)
    return int(number)


def stop_seconds(settings: Settings) -> int:
    """How long the server may take to stop."""
    return settings.drain_delay + settings.drain_timeout
