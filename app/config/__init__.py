"""Settings: read once, checked whole, frozen.

Each setting has one name. It is read from the command line (`--port`), then the environment
(`PIERHEAD_PORT`), then the configuration file (`port = 8000` in `pierhead.toml`), then its default.
"""

from app.config.loaded import MAIN_SITE, PREFIX, ConfigError, LoadedSettings, key_name
from app.config.settings import MASK, Settings, allowed, is_secret, masked
from app.config.sources import (
    CLIENT_VARIABLES,
    FILE_VARIABLE,
    load_settings,
)
from app.config.types import parse_listen

__all__ = [
    "CLIENT_VARIABLES",
    "FILE_VARIABLE",
    "MAIN_SITE",
    "MASK",
    "PREFIX",
    "ConfigError",
    "LoadedSettings",
    "Settings",
    "allowed",
    "is_secret",
    "key_name",
    "load_settings",
    "masked",
    "parse_listen",
]
