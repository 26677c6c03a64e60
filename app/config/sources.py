"""Where settings come from: the command line, the environment, a TOML file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.config.loaded import PREFIX, ConfigError, LoadedSettings, checked, written
from app.config.settings import Settings
from app.config.sites import TABLE, Common, read_sites, with_sites
from app.domain.own_file import read_own_text

DEFAULT_FILE = Path("pierhead.toml")
FILE_VARIABLE = "PIERHEAD_CONFIG_FILE"
"""Names the configuration file; `--config` comes before it. Not a setting itself."""
CLIENT_VARIABLES: Final = frozenset({"PIERHEAD_TOKEN"})
"""Those that `pierhead get` reads. They are no settings of a server."""
RENAMED: Final = {"drain_seconds": "drain_timeout"}
"""Former names of settings, which are still understood."""


def load_settings(
    *, environ: Mapping[str, str], file: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> LoadedSettings:
    """Gather the settings from all their sources.

    Args:
        environ: the process environment.
        file: the configuration file; None means the one that `PIERHEAD_CONFIG_FILE` names, or
            `pierhead.toml` in the working directory if there is one.
        overrides: values from the command line, by setting name; None values count as not given.

    Raises:
        ConfigError: anything unknown, missing or out of range; all errors together.
    """
    faults: list[str] = []
    named = Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None
    path = file or named or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    in_file = {} if path is None else _read_file(path, faults)
    tables = in_file.pop(TABLE, {})
    layers = (
        (str(path), in_file),
        ("environment", _read_environment(environ, faults)),
        ("command line", {k: v for k, v in (overrides or {}).items() if v is not None}),
    )
    values: dict[str, Any] = {}
    notices: list[str] = []
    sources = dict.fromkeys(Settings.model_fields, "default")
    for origin, given in layers:
        layer = _by_new_names(given, origin, notices)
        values |= layer
        sources |= dict.fromkeys(layer, origin)
    sites = read_sites(tables, Common(values, sources, path), faults) if path is not None else ()
    is_served = not tables or "storage" in values
    if not is_served and sites:
        values["storage"] = [url for one in sites for url in one.settings.storage]
        sources["storage"] = "its sites"
    settings = checked(values, sources, faults)
    if faults or settings is None:
        raise ConfigError(tuple(dict.fromkeys(faults)))
    return with_sites(LoadedSettings(settings, sources, path, tuple(notices), is_served=is_served), sites)


def _by_new_names(given: Mapping[str, Any], origin: str, notices: list[str]) -> dict[str, Any]:
    """Settings of one source; where one is given by both of its names, the new one counts."""
    layer = {RENAMED.get(name, name): value for name, value in given.items() if name in RENAMED}
    for name in given.keys() & RENAMED.keys():
        old, new = (written(word, origin) for word in (name, RENAMED[name]))
        notices.append(f"{old} ({origin}): is now called {new}")
    return layer | {name: value for name, value in given.items() if name not in RENAMED}


def _read_file(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        table = tomllib.loads(read_own_text(path))
    except OSError as error:
        faults.append(f"{path}: cannot be read ({error.strerror})")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{path}: is not TOML: {error}")
        return {}
    known = dict.fromkeys((*Settings.model_fields, *RENAMED, TABLE))
    return {name: value for name, value in table.items() if _is_known(name, known, f"{path}: {name}", faults)}


def _read_environment(environ: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    # An empty variable counts as not given: compose files pass unset variables that way.
    found = {key: value for key, value in environ.items() if key.startswith(PREFIX) and value}
    known = {PREFIX + name.upper(): name for name in (*Settings.model_fields, *RENAMED)}
    for other in (FILE_VARIABLE, *CLIENT_VARIABLES):
        found.pop(other, None)
    return {
        known[key]: value
        for key, value in found.items()
        if _is_known(key, {**known, FILE_VARIABLE: None}, key, faults)
    }


def _is_known(name: str, known: Mapping[str, object], shown: str, faults: list[str]) -> bool:
    if name in known:
        return True
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"must be one of {', '.join(sorted(known))}"
    faults.append(f"{shown}: is not a setting; {hint}")
    return False
