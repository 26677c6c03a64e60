"""What the commands have in common: settings from their options, and arguments that say what is allowed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from app.auth.networks import parse_networks
from app.config import LoadedSettings, load_settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a command is added to; argparse has no public name for it."""

_Parsed = TypeVar("_Parsed")


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the storage, once for each store."""
    parser.add_argument(
        "--storage",
        metavar="URL",
        action="append",
        help="directory, file:///dir or s3://bucket/prefix; again for each copy of it",
    )


def load(options: argparse.Namespace, *names: str) -> LoadedSettings:
    """The settings, with those options over them that are settings too.

    Args:
        names: of these options.

    Raises:
        ConfigError: see `load_settings`.
    """
    overrides = {name: _alone(getattr(options, name)) for name in names}
    return load_settings(environ=os.environ, file=options.config, overrides=overrides)


def _alone(value: object) -> object:
    """An option that was given once means what the variable would, which may name several."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def checked(parse: Callable[[str], _Parsed], text: str) -> _Parsed:
    """Parse an argument, and let argparse show what is allowed; of a plain ValueError it would hide the text.

    Raises:
        argparse.ArgumentTypeError: with the words of the parser's ValueError.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def name(text: str) -> str:
    """An argument that may be any text but blank."""
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
