"""Shared by the commands: settings from options, and arguments whose errors say what is allowed."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from app.auth.networks import parse_networks
from app.config import MAIN_SITE, PREFIX, ConfigError, LoadedSettings, Settings, load_settings
from app.domain.hosts import host_of
from app.domain.mounts import mount_of
from app.domain.paths import ArtifactPath, canonical_path
from app.domain.storage_urls import any_form

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a command is added to; argparse has no public name for it."""

_Parsed = TypeVar("_Parsed")


def add_command(
    commands: Commands,
    name: str,
    summary: str,
    *,
    parents: Sequence[argparse.ArgumentParser] = (),
    examples: str = "",
    notes: str = "",
) -> argparse.ArgumentParser:
    """Add a command, with its examples at the end of its help.

    Args:
        examples: one a line.
        notes: what the help says before them.
    """
    shown = f"examples:\n{textwrap.indent(examples, '  ')}" if examples else ""
    return commands.add_parser(
        name,
        parents=list(parents),
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n\n".join(part for part in (notes, shown) if part),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_setting(parser: argparse.ArgumentParser, name: str, *aliases: str, **options: Any) -> None:
    """Add the option of a setting. Its help is what the setting is for, and the variable that says the same.

    Args:
        aliases: shorter names of the option.
        options: of `add_argument`.
    """
    described = options.pop("help", None) or (Settings.model_fields[name].description or "").replace("`", "")
    parser.add_argument(
        f"--{name.replace('_', '-')}",
        *aliases,
        dest=name,
        help=f"{described.removesuffix('.')} ({PREFIX}{name.upper()})".replace("%", "%%"),
        **options,
    )


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the storage; it may be repeated."""
    add_setting(
        parser,
        "storage",
        metavar="URL",
        action="append",
        help=f"{any_form()}; repeat it for each copy",
    )


def add_site(parser: argparse.ArgumentParser) -> None:
    """Add the option that names one of several sites."""
    parser.add_argument(
        "--site",
        metavar="NAME",
        help=f"the site, where the configuration file has several: the name of its table, or {MAIN_SITE}",
    )


def load_site(options: argparse.Namespace, *names: str) -> LoadedSettings:
    """The settings of the site that the options name.

    Args:
        names: as `load` takes them.

    Raises:
        ConfigError: as `load`; and where there is no such site, or several and none is named.
    """
    loaded = load(options, *names)
    if options.site is not None:
        return loaded.site_named(options.site)
    if loaded.is_served:
        return loaded
    known = ", ".join(one.site for one in loaded.sites)
    raise ConfigError((f"--site: must name one of the sites: {known}",))


def read_path(text: str, root_path: str) -> ArtifactPath:
    """A path of the tree, as people name one: as such, or as its URL.

    Args:
        root_path: of the site on its host; taken off URLs.

    Raises:
        RequestError: it is neither.
    """
    if not is_url(text):
        return ArtifactPath.from_text(os.fsencode(text).decode("utf-8", "surrogateescape"))
    raw = canonical_path(os.fsencode(urlsplit(text).path) or b"/")
    root = root_path.encode("ascii")
    below = raw.removeprefix(root) or b"/"
    raw = below if below.startswith(b"/") else raw
    return mount_of(raw).parse(raw)


def is_url(text: str) -> bool:
    """Whether somebody has written the URL of a page or file."""
    return text.startswith(("http://", "https://"))


def site_of_url(loaded: LoadedSettings, url: str) -> LoadedSettings:
    """The settings of the site that answers at the host of a URL.

    Raises:
        ConfigError: no site does.
    """
    host = host_of(urlsplit(url).netloc.encode("utf-8", "replace")).decode("utf-8")
    site = loaded.site_at(host)
    if site is None:
        known = ", ".join(name for one in loaded.sites for name in one.settings.site_hosts)
        raise ConfigError((f"there is no site at {host}; there are sites at {known}",))
    return site


def load(
    options: argparse.Namespace, *names: str, fixed: Mapping[str, Any] = MappingProxyType({})
) -> LoadedSettings:
    """The settings, overridden by command-line options.

    Args:
        names: of the options that are settings.
        fixed: settings that count before those.

    Raises:
        ConfigError: see `load_settings`.
    """
    overrides = {name: _alone(getattr(options, name)) for name in names} | dict(fixed)
    return load_settings(environ=os.environ, file=options.config, overrides=overrides)


def _alone(value: object) -> object:
    """An option given once is read like the environment variable, which may name several stores."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def checked(parse: Callable[[str], _Parsed], text: str) -> _Parsed:
    """Parse an argument so that argparse shows what is allowed. It hides the text of a plain ValueError.

    Raises:
        argparse.ArgumentTypeError: with the message of the parser's ValueError.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def name(text: str) -> str:
    """An argument that is any text except blank."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be blank")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("must be UTF-8") from error
    return text


def network(text: str) -> str:
    """An argument that is a network."""
    checked(lambda value: parse_networks([value]), text)
    return text
