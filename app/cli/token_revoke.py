"""`pierhead token inspect`, `revoke` and `list-revoked`: for tokens, links and logins."""

from __future__ import annotations

import argparse
import json
import re
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from app.auth.keys import KeyRing
from app.auth.links import read_link
from app.auth.tokens import read_token
from app.cli.arguments import Commands, add_command, load, name
from app.cli.audited import note_command, operator
from app.cli.revoked_list import revoked_list
from app.cli.signing import key_ring
from app.config import ConfigError, LoadedSettings
from app.domain.errors import AuthenticationFailed
from app.domain.mounts import LINK_PARAMETER
from app.telemetry import Revoked

_NO_ID: Final = re.compile(r"^#|\s|://|[?&]|^[\w-]+\.[\w-]+\.[\w-]*$")
"""A comment, a URL, a text with a space or a whole token. None of these is an id, so revoking it would have no effect."""


class _Signed(NamedTuple):
    """A token or a link, whether it still holds or not.

    Attributes:
        site: that it is for.
        subject: user or robot; None for a link.
        expires: seconds since the epoch, UTC.
        content: what `inspect` shows of it.
    """

    site: LoadedSettings
    id: str
    subject: str | None
    expires: float
    content: dict[str, Any]


def add_revocation(actions: Commands, common: argparse.ArgumentParser) -> None:
    """Add the actions to `pierhead token`."""
    inspect = add_command(
        actions, "inspect", "show the content of a token or link and whether it is valid", parents=[common]
    )
    inspect.add_argument("token", type=name, metavar="TOKEN", help="the token, or the URL of the link")
    inspect.set_defaults(run=_inspect)
    revoke = add_command(actions, "revoke", "revoke a token, a link or a login", parents=[common])
    revoke.add_argument(
        "token",
        type=name,
        metavar="TOKEN",
        help="the token, the URL of the link, or the id of a token, link or login",
    )
    revoke.add_argument("--note", type=_note, metavar="TEXT", help="the reason, shown by list-revoked")
    revoke.set_defaults(run=_revoke)
    listing = add_command(actions, "list-revoked", "list revoked tokens, links and logins", parents=[common])
    listing.set_defaults(run=_list)


def _inspect(options: argparse.Namespace) -> int:
    loaded = load(options)
    found = _signed(loaded, options.token)
    if found is None:
        raise ConfigError(("TOKEN: is not signed with these secret_keys",))
    revoked_file = loaded.settings.revoked_file
    shown = found.content | {
        "is_expired": time.time() >= found.expires,
        "is_revoked": revoked_file is not None and found.id in revoked_list(loaded.settings).read(),
    }
    if found.site.site:
        shown["site"] = found.site.site
    print(json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


def _revoke(options: argparse.Namespace) -> int:
    loaded = load(options)
    revoked = revoked_list(loaded.settings)
    found = _signed(loaded, options.token)
    identifier, subject = (found.id, found.subject) if found else (options.token, None)
    if found is None and _NO_ID.search(identifier):
        raise ConfigError(
            ("TOKEN: is neither an id nor a token or link that was signed with these secret_keys",)
        )
    reason = options.note or ""
    revoked.add(identifier, " ".join(part for part in (subject, reason) if part))
    # Not before: a full disk must not keep a stolen token alive.
    note_command(
        found.site if found else loaded,
        Revoked(identifier, reason, operator()),
        subject,
        so=f"; {identifier} is revoked nevertheless",
    )
    print(identifier)
    return 0


def _list(options: argparse.Namespace) -> int:
    for identifier, note in revoked_list(load(options).settings).read().items():
        print(f"{identifier} {note}".rstrip())
    return 0


def _signed(loaded: LoadedSettings, text: str) -> _Signed | None:
    """Read a token, or the URL of a link. Returns None if it was not signed with the keys of any site."""
    value = parse_qs(text.partition("?")[2]).get(LINK_PARAMETER, [text])[0]
    for site in loaded.served:
        if (keys := key_ring(site)) is not None:
            for read in (_token, _link):
                with suppress(AuthenticationFailed):
                    return read(site, keys, value)
    return None


def _token(site: LoadedSettings, keys: KeyRing, text: str) -> _Signed:
    grant = read_token(keys, text)
    content = asdict(grant) | {
        "groups": sorted(grant.groups),
        "networks": [str(network) for network in grant.networks],
        "permissions": sorted(grant.permissions),
    }
    return _Signed(site, grant.id, grant.subject, grant.expires, content)


def _link(site: LoadedSettings, keys: KeyRing, value: str) -> _Signed:
    link = read_link(keys, value)
    networks = [str(network) for network in link.networks]
    return _Signed(
        site, link.id, None, link.expires, {"id": link.id, "expires": link.expires, "networks": networks}
    )


def _note(text: str) -> str:
    """A note is part of a line."""
    return " ".join(name(text).split())
