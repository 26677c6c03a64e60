"""`pierhead token create`: access tokens for people and robots."""

from __future__ import annotations

import argparse
import time
import uuid
from typing import Final

from app.auth.networks import parse_networks
from app.auth.tokens import TokenGrant, issue_token
from app.cli.arguments import Commands, add_command, add_site, checked, load_site, name
from app.cli.audited import note_command, operator
from app.cli.signing import add_lifetime, duration, signing_keys
from app.cli.token_revoke import add_revocation
from app.config import ConfigError
from app.domain.access import Permission
from app.policy.globs import PathGlob
from app.telemetry import TokenCreated

_EXAMPLES: Final = """\
pierhead token create --subject nightly --group members --expires 30d
pierhead token create --subject ci --group members --expires 1d --path 'releases/**' --network 10.0.0.0/8"""


def add_token(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(commands, "token", "create, inspect and revoke access tokens")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add_revocation(actions, common)
    create = add_command(actions, "create", "print a new token", parents=[common], examples=_EXAMPLES)
    create.add_argument(
        "--subject", required=True, type=name, metavar="S", help="user or robot name, for the log"
    )
    create.add_argument(
        "--group", nargs="+", action="extend", type=name, default=[], metavar="G", help="groups of the token"
    )
    add_lifetime(create, example="30d", begin=" from the moment it becomes valid")
    create.add_argument("--not-before", type=duration, metavar="1h", help="time until it becomes valid")
    create.add_argument(
        "--path",
        nargs="+",
        action="extend",
        type=_glob,
        default=[],
        metavar="GLOB",
        help="its groups count only on paths that match these globs",
    )
    create.add_argument(
        "--scope",
        nargs="+",
        action="extend",
        choices=[permission.value for permission in Permission],
        default=[],
        help="extra permissions: refresh folders, or invalidate changed paths",
    )
    add_site(create)
    create.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    site = load_site(options)
    keys = signing_keys(site, "tokens")
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
    try:
        text = issue_token(keys, grant)
    except ValueError as error:
        raise ConfigError((str(error),)) from error
    groups, scopes = tuple(sorted(grant.groups)), tuple(sorted(options.scope))
    created = TokenCreated(grant.id, groups, int(grant.expires), scopes, operator())
    note_command(site, created, grant.subject, so="; there is no token")
    print(text)
    return 0


def _glob(text: str) -> str:
    checked(PathGlob.parse, text)
    return text
