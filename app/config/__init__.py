"""Settings: read once, checked whole, frozen.

Each setting has one name. It is read from the command line (`--port`), then the environment
(`PIERHEAD_PORT`), then the configuration file (`port = 8000` in `pierhead.toml`), then its default.
"""

from app.config.settings import MASK, Settings, allowed, masked
from app.config.sources import FILE_VARIABLE, PREFIX, ConfigError, LoadedSettings, load_settings

__all__ = [
    "FILE_VARIABLE",
    "MASK",
    "PREFIX",
    "ConfigError",
    "LoadedSettings",
    "Settings",
    "allowed",
    "load_settings",
    "masked",
]
