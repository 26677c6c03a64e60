"""`pierhead config`: the settings in effect."""

from __future__ import annotations

import argparse

from app.cli.arguments import Commands, add_command, add_site, load
from app.cli.places import places_of
from app.config import masked


def add_config(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(commands, "config", "show the settings and where each comes from", parents=[common])
    add_site(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    loaded = load(options)
    for one in loaded.served:
        places_of(one)  # never show an invalid URL: the invalid part may be a secret
    if options.site is not None:
        loaded = loaded.site_named(options.site)
    shown = masked(loaded.settings)
    width = max(map(len, shown))
    for name, value in shown.items():
        print(f"{name:{width}}  {value or '-'}  ({loaded.sources[name]})")
    for one in loaded.sites:
        print(f"{'site':{width}}  {one.site}  (pierhead config --site {one.site})")
    return 0
