"""`pierhead token create`: access tokens for people and robots."""

from __future__ import annotations

import argparse
import time
import uuid

from app.auth.keys import KeyRing
from app.auth.networks import parse_networks
from app.auth.tokens import TokenGrant, issue_token, parse_duration
from app.cli.arguments import Commands, checked, load, name, network
from app.config import ConfigError
from app.domain.access import Permission
from app.policy.globs import PathGlob


def add_token(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    actions = commands.add_parser("token", help="make access tokens").add_subparsers(
        required=True, metavar="ACTION"
    )
    create = actions.add_parser("create", parents=[common], help="print a new token")
    create.add_argument(
        "--subject", required=True, type=name, metavar="S", help="user or robot name, for the log"
    )
    create.add_argument(
        "--group", nargs="+", action="extend", type=name, default=[], metavar="G", help="groups it is in"
    )
    create.add_argument(
        "--expires",
        required=True,
        type=_duration,
        metavar="30d",
        help="its life from when it begins to hold: a number of s, m, h, d or w",
    )
    create.add_argument("--not-before", type=_duration, metavar="1h", help="time until it begins to hold")
    create.add_argument(
        "--path",
        nargs="+",
        action="extend",
        type=_glob,
        default=[],
        metavar="GLOB",
        help="path globs that its groups are limited to",
    )
    create.add_argument(
        "--network",
        nargs="+",
        action="extend",
        type=network,
        default=[],
        metavar="CIDR",
        help="networks it may be used from",
    )
    create.add_argument(
        "--scope",
        nargs="+",
        action="extend",
        choices=[permission.value for permission in Permission],
        default=[],
        help="what it may do beside reading: refresh folders, or invalidate what has changed",
    )
    create.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    settings = load(options).settings
    if not settings.secret_keys:
        raise ConfigError(("secret_keys: must be given to make tokens: the keys that the server has",))
    now = int(time.time())
    start = now + (options.not_before or 0)
    grant = TokenGrant(
        subject=options.subject,
        groups=frozenset(options.group),
        expires=start + options.expires,
        issued=now,
        id=uuid.uuid4().hex,
        not_before=start if options.not_before else None,
        paths=tuple(options.path),
        networks=parse_networks(options.network),
        permissions=frozenset(map(Permission, options.scope)),
    )
    keys = KeyRing([key.get_secret_value() for key in settings.secret_keys])
    try:
        print(issue_token(keys, grant))
    except ValueError as error:
        raise ConfigError((str(error),)) from error
    return 0


def _duration(text: str) -> int:
    return checked(parse_duration, text)


def _glob(text: str) -> str:
    checked(PathGlob.parse, text)
    return text
