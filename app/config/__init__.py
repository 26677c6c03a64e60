"""Settings: read once, checked whole, frozen.

Each setting has one name. It is read from the command line (`--port`), then the environment
(`PIERHEAD_PORT`), then the configuration file (`port = 8000` in `pierhead.toml`), then its default.
"""

from app.config.settings import MASK, Settings, allowed, is_secret, masked
from app.config.sources import (
    CLIENT_VARIABLES,
    FILE_VARIABLE,
    PREFIX,
    ConfigError,
    LoadedSettings,
    load_settings,
)
from app.config.types import parse_listen

__all__ = [
    "CLIENT_VARIABLES",
    "FILE_VARIABLE",
    "MASK",
    "PREFIX",
    "ConfigError",
    "LoadedSettings",
    "Settings",
    "allowed",
    "is_secret",
    "load_settings",
    "masked",
    "parse_listen",
]
