"""Settings as they were read: their values, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from app.config.credentials import CredentialsInUrl
from app.config.settings import Settings, allowed, credentials_by, is_secret

PREFIX: Final = "PIERHEAD_"
MAIN_SITE: Final = "default"
"""What the site of the settings outside all tables is called, where there are others."""


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
    sites: those that have tables of their own.
    site: name of the site that the settings are of; empty where there is only one.
    is_served: whether the settings are those of a site, and not only what several have in common.
    """

    settings: Settings
    sources: dict[str, str]
    file: Path | None
    notices: tuple[str, ...] = ()
    sites: tuple[LoadedSettings, ...] = ()
    site: str = ""
    is_served: bool = True

    def named(self, name: str) -> str:
        """A setting as its operator wrote it, and where: `PIERHEAD_PORT (environment)`."""
        return named(name, self.sources)

    @property
    def served(self) -> tuple[LoadedSettings, ...]:
        """The settings of each site; at least one."""
        return (self, *self.sites) if self.is_served else self.sites

    def site_named(self, name: str) -> LoadedSettings:
        """The settings of one site.

        Raises:
            ConfigError: there is no such site; says which there are.
        """
        for one in self.served:
            if name == one.site:
                return one
        known = ", ".join(one.site for one in self.served)
        raise ConfigError((f"there is no site {name!r}; " + (f"there are {known}" if known else _ONLY_ONE),))

    def site_at(self, host: str) -> LoadedSettings | None:
        """The settings of the site that answers to a host name; None if none does.

        Args:
            host: as `parse_host` gives it.
        """
        for one in self.sites:
            if host in one.settings.site_hosts:
                return one
        return self if self.is_served else None


_ONLY_ONE: Final = "the configuration file has no table of one"


def key_name(site: str) -> str:
    """What the keys of a site are called after; empty for those of a server of one site.

    The site of the settings outside all tables keeps its keys when others are added.
    """
    return "" if site == MAIN_SITE else site


def checked(
    values: Mapping[str, Any], sources: Mapping[str, str], faults: MutableSequence[str]
) -> Settings | None:
    """Make settings of these values; None if they cannot be used.

    Args:
        sources: for each setting, where its value came from.
        faults: takes a sentence for each wrong setting.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        faults += dict.fromkeys(_describe(fault, sources) for fault in error.errors(include_url=False))
        return None


def _describe(fault: Any, sources: Mapping[str, str]) -> str:
    name = str(fault["loc"][0])
    if isinstance(fault.get("ctx", {}).get("error"), CredentialsInUrl):
        where = credentials_by(name).replace("`", "")
        return f"{named(name, sources)}: must not have credentials in a URL: {where}"
    if fault["type"] == "value_error":
        but = str(fault["ctx"]["error"])
    elif is_secret(name) or not isinstance(fault["input"], (str, int, float)):
        but = "got something else"  # never what, nor what a table or a list has in it
    else:
        but = f"got {fault['input']!r}"
    return f"{named(name, sources)}: must be {allowed(name).replace('`', '')}, but {but}"


def named(name: str, sources: Mapping[str, str]) -> str:
    """A setting as its operator wrote it, and where."""
    return f"{written(name, sources[name])} ({sources[name]})"


def written(name: str, origin: str) -> str:
    """A setting as its operator wrote it there."""
    forms = {"environment": PREFIX + name.upper(), "command line": f"--{name.replace('_', '-')}"}
    return forms.get(origin, name)
