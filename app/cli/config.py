"""`pierhead config`: the settings in effect."""

from __future__ import annotations

import argparse

from app.cli.arguments import Commands, add_command, load
from app.cli.places import places_of
from app.config import masked


def add_config(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(commands, "config", "show the settings and where each comes from", parents=[common])
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    loaded = load(options)
    places_of(loaded)  # never show an invalid URL: the invalid part may be a secret
    shown = masked(loaded.settings)
    width = max(map(len, shown))
    for name, value in shown.items():
        print(f"{name:{width}}  {value or '-'}  ({loaded.sources[name]})")
    return 0
