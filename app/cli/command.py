"""`pierhead` itself: the commands, and how their failures are reported."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from app import __version__
from app.cli.completion import add_completion
from app.cli.config import add_config
from app.cli.doctor.command import add_doctor
from app.cli.explain import add_explain
from app.cli.get import add_get
from app.cli.link import add_link
from app.cli.serve import add_serve
from app.cli.token import add_token
from app.config import FILE_VARIABLE, ConfigError
from app.domain.errors import PierheadError

EXIT_FAILED = 1
EXIT_USAGE = 2


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; None for the arguments of this process.

    Returns:
        exit status: 0 done, 1 the command failed, 2 wrong settings. Wrong arguments raise `SystemExit` with status 2.
    """
    options = build_parser().parse_args(arguments)
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


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
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
    for add in (add_serve, add_get, add_token, add_link, add_explain, add_doctor, add_config, add_completion):
        add(commands, common)
    parser.set_defaults(root=parser)
    return parser
