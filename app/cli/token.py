"""`pierhead token create`: access tokens for people and robots."""

from __future__ import annotations

import argparse
import time
import uuid

from app.auth.keys import KeyRing
from app.auth.networks import parse_networks
from app.auth.tokens import TokenGrant, issue_token, parse_duration
from app.cli.arguments import Commands, checked, load, name, network
from app.cli.audited import note_command, operator
from app.cli.token_revoke import add_revocation
from app.config import ConfigError
from app.domain.access import Permission
from app.policy.globs import PathGlob
from app.telemetry import TokenCreated


def add_token(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    actions = commands.add_parser("token", help="create, inspect and revoke access tokens").add_subparsers(
        required=True, metavar="ACTION"
    )
    add_revocation(actions, common)
    create = actions.add_parser("create", parents=[common], help="print a new token")
    create.add_argument(
        "--subject", required=True, type=name, metavar="S", help="user or robot name, for the log"
    )
    create.add_argument(
        "--group", nargs="+", action="extend", type=name, default=[], metavar="G", help="groups of the token"
    )
    create.add_argument(
        "--expires",
        required=True,
        type=_duration,
        metavar="30d",
        help="lifetime from the moment it becomes valid: a number and s, m, h, d or w",
    )
    create.add_argument("--not-before", type=_duration, metavar="1h", help="time until it becomes valid")
    create.add_argument(
        "--path",
        nargs="+",
        action="extend",
        type=_glob,
        default=[],
        metavar="GLOB",
        help="limit its groups to these path globs",
    )
    create.add_argument(
        "--network",
        nargs="+",
        action="extend",
        type=network,
        default=[],
        metavar="CIDR",
        help="networks from which it may be used",
    )
    create.add_argument(
        "--scope",
        nargs="+",
        action="extend",
        choices=[permission.value for permission in Permission],
        default=[],
        help="extra permissions: refresh folders, or invalidate changed paths",
    )
    create.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    settings = load(options).settings
    if not settings.secret_keys:
        raise ConfigError(("secret_keys: must be set to create tokens, to the same keys as the server's",))
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
        text = issue_token(keys, grant)
    except ValueError as error:
        raise ConfigError((str(error),)) from error
    groups, scopes = tuple(sorted(grant.groups)), tuple(sorted(options.scope))
    created = TokenCreated(grant.id, groups, int(grant.expires), scopes, operator())
    note_command(settings, created, grant.subject, so="; there is no token")
    print(text)
    return 0


def _duration(text: str) -> int:
    return checked(parse_duration, text)


def _glob(text: str) -> str:
    checked(PathGlob.parse, text)
    return text
