"""The same warm page, asked for as real clients do: with a cookie that means nothing here, with a token, logged in."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import Final

from app.auth.keys import KeyRing
from app.auth.revocation import NOTHING_REVOKED
from app.auth.sessions import SESSION_COOKIE, LoginMethod, SessionLives, Sessions
from benchmarks.bench import ALL, Bench, Lane, Section
from benchmarks.load import load
from benchmarks.programs import run_to_end
from benchmarks.results import Row, speed_goal
from benchmarks.servers import COMMAND, PIERHEAD, pierhead
from benchmarks.tree import COLD_ENTRIES, small_page

CASE: Final = f"{COLD_ENTRIES} entries"
WITH_COOKIE: Final = "Pierhead, with an unrelated cookie"
WITH_TOKEN: Final = "Pierhead, with a bearer token"
WITH_SESSION: Final = "Pierhead, logged in"

_CREATE = "token create --subject robot --group staff --expires 1h"
_CREATE_SECONDS = 30


def measure_credentials(bench: Bench) -> list[Row]:
    """One server; anonymous requests and the others in turn."""
    key = secrets.token_hex(32)
    # The directory is never asked: the person has logged in before.
    directory = {"PIERHEAD_LDAP_URL": "ldap://127.0.0.1:1", "PIERHEAD_LDAP_USER_BASE": "dc=example"}
    environ = {"PIERHEAD_SECRET_KEYS": key, **directory}
    bearer = run_to_end([str(COMMAND), *_CREATE.split()], environ, seconds=_CREATE_SECONDS).strip()
    headers = {
        PIERHEAD: {},
        WITH_COOKIE: {"Cookie": "_ga=GA1.1.1234567890.1700000000"},
        WITH_TOKEN: {"Authorization": f"Bearer {bearer}"},
        WITH_SESSION: {"Cookie": f"{SESSION_COOKIE}={_session(key)}"},
    }
    with pierhead(bench, environ=environ) as program:
        pages = {server: small_page(program, sent) for server, sent in headers.items()}
        return bench.in_turn(
            [
                Lane(Row(name, CASE), partial(load, page, bench.options.seconds))
                for name, page in pages.items()
            ]
        )


def _session(key: str) -> str:
    """The cookie of somebody who has just logged in."""
    sessions = Sessions(KeyRing([key]), SessionLives(3600, 3600, 3600), 0, NOTHING_REVOKED)
    return sessions.write(sessions.start("somebody", frozenset({"staff"}), LoginMethod.LDAP, time.time()))


CREDENTIALS: Final = Section(
    "credentials",
    "Warm listing, with a cookie, with a token and logged in",
    measure_credentials,
    (*ALL, f"x {PIERHEAD}"),
    [
        speed_goal(
            f"{CASE}, {name}: at least {least} of the anonymous page", CASE, name, PIERHEAD, at_least=least
        )
        for name, least in ((WITH_COOKIE, 0.85), (WITH_TOKEN, 0.8), (WITH_SESSION, 0.8))
    ],
)
