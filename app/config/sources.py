"""Where settings come from: the command line, the environment, a TOML file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from app.config.credentials import CredentialsInUrl
from app.config.settings import Settings, allowed, credentials_by, is_secret

PREFIX = "PIERHEAD_"
DEFAULT_FILE = Path("pierhead.toml")
FILE_VARIABLE = "PIERHEAD_CONFIG_FILE"
"""Names the configuration file; `--config` comes before it. Not a setting itself."""
CLIENT_VARIABLES: Final = frozenset({"PIERHEAD_TOKEN"})
"""Those that `pierhead get` reads. They are no settings of a server."""
RENAMED: Final = {"drain_seconds": "drain_timeout"}
"""Former names of settings, which are still understood."""


class ConfigError(Exception):
    """Settings that cannot be used.

    Args:
        faults: one sentence for each wrong setting, without the values of secrets.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class LoadedSettings(NamedTuple):
    """Attributes:
    settings: all settings, checked.
    sources: for each setting, where its value came from.
    file: the configuration file; None if there is none.
    notices: what the operator should change, one sentence each.
    """

    settings: Settings
    sources: dict[str, str]
    file: Path | None
    notices: tuple[str, ...] = ()

    def named(self, name: str) -> str:
        """A setting as its operator wrote it, and where: `PIERHEAD_PORT (environment)`."""
        return _named(name, self.sources)


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
    layers: list[tuple[str, Mapping[str, Any]]] = []
    faults: list[str] = []
    named = Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None
    path = file or named or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    if path is not None:
        layers.append((str(path), _read_file(path, faults)))
    layers.append(("environment", _read_environment(environ, faults)))
    layers.append(("command line", {k: v for k, v in (overrides or {}).items() if v is not None}))
    values: dict[str, Any] = {}
    notices: list[str] = []
    sources = dict.fromkeys(Settings.model_fields, "default")
    for origin, given in layers:
        layer = _by_new_names(given, origin, notices)
        values |= layer
        sources |= dict.fromkeys(layer, origin)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults += dict.fromkeys(_describe(fault, sources) for fault in error.errors(include_url=False))
    if faults:
        raise ConfigError(tuple(faults))
    return LoadedSettings(settings, sources, path, tuple(notices))


def _by_new_names(given: Mapping[str, Any], origin: str, notices: list[str]) -> dict[str, Any]:
    """Settings of one source; where one is given by both of its names, the new one counts."""
    layer = {RENAMED.get(name, name): value for name, value in given.items() if name in RENAMED}
    for name in given.keys() & RENAMED.keys():
        old, new = (_written(word, origin) for word in (name, RENAMED[name]))
        notices.append(f"{old} ({origin}): is now called {new}")
    return layer | {name: value for name, value in given.items() if name not in RENAMED}


def _read_file(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        faults.append(f"{path}: cannot be read ({error.strerror})")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{path}: is not TOML: {error}")
        return {}
    known = dict.fromkeys((*Settings.model_fields, *RENAMED))
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


def _describe(fault: Any, sources: Mapping[str, str]) -> str:
    name = str(fault["loc"][0])
    if isinstance(fault.get("ctx", {}).get("error"), CredentialsInUrl):
        where = credentials_by(name).replace("`", "")
        return f"{_named(name, sources)}: must not have credentials in a URL: {where}"
    if fault["type"] == "value_error":
        but = str(fault["ctx"]["error"])
    elif is_secret(name) or not isinstance(fault["input"], (str, int, float)):
        but = "got something else"  # never what, nor what a table or a list has in it
    else:
        but = f"got {fault['input']!r}"
    return f"{_named(name, sources)}: must be {allowed(name).replace('`', '')}, but {but}"


def _named(name: str, sources: Mapping[str, str]) -> str:
    return f"{_written(name, sources[name])} ({sources[name]})"


def _written(name: str, origin: str) -> str:
    written = {"environment": PREFIX + name.upper(), "command line": f"--{name.replace('_', '-')}"}
    return written.get(origin, name)
