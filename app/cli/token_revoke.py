"""`pierhead token inspect`, `revoke` and `list-revoked`."""

from __future__ import annotations

import argparse
import json
import time
from contextlib import suppress
from dataclasses import asdict

from app.auth.tokens import TokenGrant, read_token
from app.cli.arguments import Commands, add_command, load, name
from app.cli.audited import note_command, operator
from app.cli.revoked_list import revoked_list
from app.cli.signing import key_ring
from app.config import ConfigError, LoadedSettings
from app.domain.errors import AuthenticationFailed
from app.telemetry import Revoked


def add_revocation(actions: Commands, common: argparse.ArgumentParser) -> None:
    """Add the actions to `pierhead token`."""
    inspect = add_command(
        actions, "inspect", "show the content of a token and whether it is valid", parents=[common]
    )
    inspect.add_argument("token", type=name, metavar="TOKEN")
    inspect.set_defaults(run=_inspect)
    revoke = add_command(actions, "revoke", "revoke a token or a login", parents=[common])
    revoke.add_argument("token", type=name, metavar="TOKEN", help="the token, or its ID")
    revoke.add_argument("--note", type=_note, metavar="TEXT", help="the reason, shown by list-revoked")
    revoke.set_defaults(run=_revoke)
    listing = add_command(actions, "list-revoked", "list revoked tokens and logins", parents=[common])
    listing.set_defaults(run=_list)


def _inspect(options: argparse.Namespace) -> int:
    loaded = load(options)
    found = _grant_of(loaded, options.token)
    if found is None:
        raise ConfigError(("TOKEN: is not one that was signed with these secret_keys",))
    site, grant = found
    revoked_file = loaded.settings.revoked_file
    shown = asdict(grant) | {
        "groups": sorted(grant.groups),
        "networks": [str(network) for network in grant.networks],
        "permissions": sorted(grant.permissions),
        "is_expired": time.time() >= grant.expires,
        "is_revoked": revoked_file is not None and grant.id in revoked_list(loaded.settings).read(),
    }
    if site.site:
        shown["site"] = site.site
    print(json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


def _revoke(options: argparse.Namespace) -> int:
    loaded = load(options)
    revoked = revoked_list(loaded.settings)
    found = _grant_of(loaded, options.token)
    site, grant = found or (loaded, None)
    identifier = grant.id if grant else options.token
    if "." in identifier or " " in identifier:
        raise ConfigError(("TOKEN: is neither an id nor a token that was signed with these secret_keys",))
    subject, reason = grant.subject if grant else None, options.note or ""
    revoked.add(identifier, " ".join(part for part in (subject, reason) if part))
    # Not before: a full disk must not keep a stolen token alive.
    note_command(
        site,
        Revoked(identifier, reason, operator()),
        subject,
        so=f"; {identifier} is revoked all the same",
    )
    print(identifier)
    return 0


def _list(options: argparse.Namespace) -> int:
    for identifier, note in revoked_list(load(options).settings).read().items():
        print(f"{identifier} {note}".rstrip())
    return 0


def _grant_of(loaded: LoadedSettings, token: str) -> tuple[LoadedSettings, TokenGrant] | None:
    """What a token says, whether it still holds or not, and for which site; None for what is no token of these keys."""
    for site in loaded.served:
        keys = key_ring(site)
        with suppress(AuthenticationFailed):
            if keys is not None:
                return site, read_token(keys, token)
    return None


def _note(text: str) -> str:
    """A note is part of a line."""
    return " ".join(name(text).split())
