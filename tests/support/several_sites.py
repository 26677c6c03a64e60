"""Two sites in one process: the same paths, groups and licences, and other contents."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, grant_acceptance
from app.auth.links import Links
from app.auth.revocation import NOTHING_REVOKED
from app.auth.sessions import SESSION_COOKIE, LoginMethod, SessionLives, Sessions
from app.auth.tokens import TokenGrant, issue_token
from app.cli.checks import check_all
from app.config import load_settings
from app.domain.access import Licence
from app.domain.mounts import LINK_PARAMETER
from app.domain.paths import ArtifactPath
from app.main import Application
from app.plan import Plan
from tests.support.live_server import SECRET
from tests.support.site_trees import SiteClient, client_of

SITES: Final = ("a.example.org", "b.example.org")
ALIAS: Final = "other-b.example.org"
LICENCE: Final = "Be nice."
POLICY: Final = '[[rule]]\npath = "members"\ntier = "private"\ngroups = ["staff"]\nvisibility = "listed"\n'

Fields = dict[str, str]


def plant(directory: Path) -> None:
    """Make the trees and the configuration file of both sites."""
    for site in SITES:
        tree = directory / site
        for name in ("members", "licensed", f"of-{site}"):
            (tree / name).mkdir(parents=True)
        for path in ("f.txt", "members/plan.txt", "licensed/board.img"):
            (tree / path).write_text(f"content of {site}\n")
        (tree / "licensed/EULA.txt").write_text(LICENCE)
    (directory / "policy.toml").write_text(POLICY)


def settings_of(directory: Path, head: str = "") -> str:
    """What the configuration file says.

    Args:
        head: further settings, outside the tables.
    """
    lines = [
        'replica_id = "test"',
        f"secret_keys = {json.dumps([SECRET])}",
        'demo_login_groups = ["staff"]',
        head,
    ]
    for site in SITES:
        lines += [
            f'[sites."{site}"]',
            f'storage = "{directory / site}"',
            f'policy_file = "{directory}/policy.toml"',
        ]
        lines += [f'site_title = "Title of {site}"']
    return "\n".join([*lines, f'site_hosts = ["{ALIAS}"]', ""])


def application(directory: Path, text: str) -> Application:
    """The server of a configuration file."""
    file = directory / "pierhead.toml"
    file.write_text(text)
    loaded = load_settings(environ={}, file=file)
    return Application(Plan(loaded.settings, asyncio.run(check_all(loaded)), loaded.sources))


@contextmanager
def both_sites(directory: Path, head: str = 'log_level = "error"') -> Iterator[SiteClient]:
    """A client of a server of both sites, until the block ends. Name one in `Host`."""
    plant(directory)
    with client_of(application(directory, settings_of(directory, head))) as http:
        yield http


def keys_of(site: str) -> KeyRing:
    """The keys of one of the sites."""
    return KeyRing([SECRET], site)


def with_token(site: str) -> Fields:
    """Fields of a member of that site's staff."""
    now = time.time()
    return {
        "Authorization": f"Bearer {issue_token(keys_of(site), TokenGrant('ci', frozenset({'staff'}), now + 600, now, 'id'))}"
    }


def with_session(site: str) -> Fields:
    """Fields of somebody who is logged in there."""
    sessions = Sessions(keys_of(site), SessionLives(3600, 3600, 3600), 0)
    session = sessions.start("alice", frozenset({"staff"}), LoginMethod.DEMO, time.time())
    return {"Cookie": f"{SESSION_COOKIE}={sessions.write(session)}"}


def with_acceptance(site: str) -> Fields:
    """Fields of somebody who has accepted the licence there."""
    value = grant_acceptance(keys_of(site), None, [Licence(LICENCE).digest], time.time())
    return {"Cookie": f"{ACCEPTANCE_COOKIE}={value}"}


def link_at(site: str, path: str) -> str:
    """The path with a link that opens it there."""
    links = Links(keys_of(site), NOTHING_REVOKED)
    link = links.make(ArtifactPath.from_text(path), expires=int(time.time()) + 600)
    return f"/{path}?{LINK_PARAMETER}={link.value}"
