"""`pierhead` itself: the commands, and how their failures are reported."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from app import __version__
from app.config import FILE_VARIABLE, ConfigError
from app.domain.errors import PierheadError

_MODULES: Final = {
    "serve": "app.cli.serve",
    "get": "app.cli.get",
    "token": "app.cli.token",
    "link": "app.cli.link",
    "explain": "app.cli.explain",
    "doctor": "app.cli.doctor.command",
    "config": "app.cli.config",
    "completion": "app.cli.completion",
}
"""Where each command is: its `add_` function adds it to the others."""

EXIT_FAILED = 1
EXIT_USAGE = 2


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; None for the arguments of this process.

    Returns:
        exit status: 0 done, 1 the command failed, 2 wrong settings. Wrong arguments raise `SystemExit` with status 2.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = build_parser(arguments[:1]).parse_args(arguments)
    try:
        status: int = options.run(options)
    except ConfigError as error:
        _print_last("pierhead: invalid settings:", *(f"  {fault}" for fault in error.faults))
        return EXIT_USAGE
    except (PierheadError, OSError) as error:
        _print_last(f"pierhead: {error}")
        return EXIT_FAILED
    return status


def _print_last(*lines: str) -> None:
    """Say why the command ends, after the log lines that led to it: those are written by a thread."""
    for handler in logging.root.handlers:
        handler.flush()
    print(*lines, sep="\n", file=sys.stderr)


def build_parser(begun: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The commands and their options.

    Args:
        begun: the first word of the command line. If it names a command, that one alone is loaded, which takes less
            than half of the time. The command that completes the others has all.
    """
    parser = argparse.ArgumentParser(
        prog="pierhead",
        description="A browsable, scriptable, access-controlled HTTP front for build artifacts.",
        epilog="Every command has examples in its own --help.",
    )
    parser.add_argument("--version", action="version", version=f"pierhead {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration file; default: ./pierhead.toml ({FILE_VARIABLE})",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked_for = [name for name in begun if name in _MODULES and name != "completion"]
    for name in asked_for or _MODULES:
        getattr(import_module(_MODULES[name]), f"add_{name}")(commands, common)
    parser.set_defaults(root=parser)
    return parser
