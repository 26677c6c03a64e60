"""Shared by the commands that sign: the key, and how long and from where what they sign counts."""

from __future__ import annotations

import argparse

from app.auth.keys import KeyRing
from app.auth.tokens import parse_duration
from app.cli.arguments import checked, network
from app.config import ConfigError, LoadedSettings, key_name


def add_lifetime(parser: argparse.ArgumentParser, *, example: str, begin: str = "") -> None:
    """Add the options that limit what is signed, in time and to networks.

    Args:
        example: of a lifetime.
        begin: from when it counts, for the help; empty for now.
    """
    parser.add_argument(
        "--expires",
        required=True,
        type=duration,
        metavar=example,
        help=f"lifetime{begin}: a number and s, m, h, d or w",
    )
    parser.add_argument(
        "--network",
        nargs="+",
        action="extend",
        type=network,
        default=[],
        metavar="CIDR",
        help="networks from which it may be used",
    )


def duration(text: str) -> int:
    """An argument that is a time, in seconds."""
    return checked(parse_duration, text)


def key_ring(site: LoadedSettings) -> KeyRing | None:
    """The keys of a site; None if it has none."""
    keys = [key.get_secret_value() for key in site.settings.secret_keys]
    return KeyRing(keys, key_name(site.site)) if keys else None


def signing_keys(site: LoadedSettings, what: str) -> KeyRing:
    """The keys of a site.

    Args:
        what: is signed, for the message.

    Raises:
        ConfigError: it has none.
    """
    keys = key_ring(site)
    if keys is None:
        raise ConfigError((f"secret_keys: must be set to create {what}, to the same keys as the server's",))
    return keys
