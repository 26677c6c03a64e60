"""Settings: read once, checked whole, frozen.

Each setting has one name. It is read from the command line (`--port`), then the environment
(`PIERHEAD_PORT`), then the configuration file (`port = 8000` in `pierhead.toml`), then its default.
"""

from __future__ import annotations

import difflib
import socket
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

PREFIX = "PIERHEAD_"
DEFAULT_FILE = Path("pierhead.toml")
FILE_VARIABLE = "PIERHEAD_CONFIG_FILE"
"""Names the configuration file; `--config` comes before it. Not a setting itself."""
MASK = "********"


def _split(value: object) -> object:
    """Lists are written as in TOML, or in the environment with commas or blanks between their items."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """Everything an operator can choose. `docs/settings.md` is compared with this class by a test."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    storage: str = Field(
        ".", description="What is published: a directory, `file:///dir`, or `s3://bucket/prefix`."
    )
    secret_keys: Secrets = Field(
        (),
        description="Keys of at least 32 characters. The first signs, all verify. None: a key is made up at "
        "start, so that tokens and licence acceptances end with the process.",
    )
    policy_file: Path | None = Field(None, description="Site policy: a TOML file of path rules.")
    default_tier: Literal["public", "closed"] = Field(
        "public", description="What holds for a file that no rule governs."
    )
    delivery: Literal["auto", "redirect", "proxy"] = Field(
        "auto",
        description="How bytes go out. `auto`: from disk, or by presigned redirect to S3 except for requests "
        "with Authorization. `proxy` and `redirect` force one.",
    )
    presign_seconds: int = Field(300, ge=10, le=604800, description="Life of a presigned URL, in seconds.")
    trusted_networks: Words = Field(
        (),
        description="Networks (CIDR) whose clients pass licences, groups and malformed rules, and see `/metrics`.",
    )
    trusted_proxies: Words = Field(
        (), description="Networks (CIDR) of the proxies in front, whose `X-Forwarded-*` headers count."
    )
    site_title: str = Field("Pierhead", min_length=1, max_length=100, description="Title of every page.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=1, le=64, description="Processes that share the port.")
    replica_id: str = Field(
        default_factory=socket.gethostname,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Name of this replica in logs and headers.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Form of a log line; `auto` is `console` on a terminal and `json` elsewhere."
    )

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < 32 for key in keys):
            raise ValueError("each must have at least 32 characters")
        return keys

    @field_validator("trusted_networks", "trusted_proxies")
    @classmethod
    def _networks_parse(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for text in networks:
            try:
                ip_network(text)
            except ValueError as error:
                raise ValueError(f"must be networks such as 10.0.0.0/8: {error}") from error
        return networks

    @field_validator("storage")
    @classmethod
    def _storage_is_known(cls, url: str) -> str:
        scheme, separator, rest = url.partition("://")
        if not url or (separator and (scheme not in ("file", "s3") or not rest)):
            raise ValueError("must be a directory, file:///dir or s3://bucket/prefix")
        return url


class ConfigError(Exception):
    """Settings that cannot be used.

    Args:
        faults: one sentence for each wrong setting; secrets' values are not in them.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class LoadedSettings(NamedTuple):
    """Attributes:
    settings: the checked whole.
    sources: for each setting, where its value came from.
    """

    settings: Settings
    sources: dict[str, str]


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
        ConfigError: anything unknown, missing or out of range, all at once.
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
    sources = dict.fromkeys(Settings.model_fields, "default")
    for origin, layer in layers:
        values |= layer
        sources |= dict.fromkeys(layer, origin)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults += [
            _describe(fault, sources) for fault in error.errors(include_url=False, include_input=False)
        ]
    if faults:
        raise ConfigError(tuple(faults))
    return LoadedSettings(settings, sources)


def masked(settings: Settings) -> dict[str, str]:
    """Every setting as text, with secrets masked."""
    return {name: _show(getattr(settings, name)) for name in Settings.model_fields}


def _show(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(MASK if isinstance(item, SecretStr) else str(item) for item in value)
    return "" if value is None else str(value)


def _read_file(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        faults.append(f"{path}: cannot be read ({error.strerror})")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{path}: is not TOML: {error}")
        return {}
    return {name: value for name, value in table.items() if _is_known(name, f"{path}: {name}", faults)}


def _read_environment(environ: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    # An empty variable counts as not given: that is how compose files pass on what is not set.
    found = {key: value for key, value in environ.items() if key.startswith(PREFIX) and value}
    found.pop(FILE_VARIABLE, None)
    return {
        key.removeprefix(PREFIX).lower(): value
        for key, value in found.items()
        if _is_known(key.removeprefix(PREFIX).lower(), key, faults)
    }


def _is_known(name: str, shown: str, faults: list[str]) -> bool:
    if name in Settings.model_fields:
        return True
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    hint = (
        f"did you mean {near[0]}?" if near else f"must be one of {', '.join(sorted(Settings.model_fields))}"
    )
    faults.append(f"{shown}: is not a setting; {hint}")
    return False


def _describe(fault: Any, sources: Mapping[str, str]) -> str:
    name = str(fault["loc"][0])
    origin = sources.get(name, "default")
    shown = PREFIX + name.upper() if origin == "environment" else name
    message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "must")
    return f"{shown} ({origin}): {message}"
