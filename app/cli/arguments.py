"""Shared by the commands: settings from options, and arguments whose errors say what is allowed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from app.auth.networks import parse_networks
from app.config import LoadedSettings, load_settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a command is added to; argparse has no public name for it."""

_Parsed = TypeVar("_Parsed")


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the storage; it may be repeated."""
    parser.add_argument(
        "--storage",
        metavar="URL",
        action="append",
        help="directory, file:///dir or s3://bucket/prefix; repeat it for each copy",
    )


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
