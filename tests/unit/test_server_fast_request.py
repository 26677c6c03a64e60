"""What the fast path makes of a request: whom it takes for whom, for how long, and what it leaves to the full path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, grant_acceptance
from app.auth.networks import parse_networks
from app.auth.principal import Authenticator
from app.auth.revocation import (
    MAX_UNREAD_SECONDS,
    NOTHING_REVOKED,
    READ_SECONDS,
    Revocations,
)
from app.auth.sessions import SESSION_COOKIE, LoginMethod, SessionLives, Sessions
from app.auth.tokens import TokenGrant, issue_token
from app.domain.access import Permission
from app.domain.errors import PierheadError
from app.responses.requester import Requester
from app.server.fast_request import MAX_REMEMBERED_BYTES, FastRequest, RequestReader
from app.server.framing import is_host
from tests.support.live_server import SECRET

NOW: Final = 1_900_000_000.0
KEYS: Final = KeyRing([SECRET])
NETWORKS: Final = parse_networks(["192.0.2.0/24"])
PROXIES: Final = parse_networks(["10.0.0.1"])
SESSIONS: Final = Sessions(KEYS, SessionLives(43200, 7200, 900), epoch=0)
AUTHENTICATOR: Final = Authenticator(KEYS, SESSIONS, NOTHING_REVOKED, NETWORKS, PROXIES)


def token(life: float = 600, *permissions: Permission) -> str:
    grant = TokenGrant(
        "robot", frozenset({"staff"}), NOW + life, NOW, "1", permissions=frozenset(permissions)
    )
    return issue_token(KEYS, grant)


TOKEN: Final = token()
ACCEPTED: Final = f"{ACCEPTANCE_COOKIE}={grant_acceptance(KEYS, None, ('0' * 32,), NOW)}"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def reader(clock: Clock | None = None) -> RequestReader:
    return RequestReader(Requester(AUTHENTICATOR, NETWORKS, PROXIES, clock or Clock()), is_host)


def read(
    made: RequestReader, path: bytes = b"/a/", peer: str | None = "203.0.113.1", **fields: str
) -> FastRequest | None:
    raw = [(b"host", b"t"), *((name.replace("_", "-").encode(), v.encode()) for name, v in fields.items())]
    return made.read("GET", path, b"", raw, peer, "http")


ADDRESSES = st.sampled_from(
    ["10.0.0.1", "192.0.2.5", "203.0.113.1", "2001:db8::1", "::ffff:192.0.2.5", "10.0.0.1:80", "unknown", ""]
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "x-forwarded-for": st.lists(ADDRESSES, min_size=1, max_size=3).map(", ".join),
        "x-forwarded-proto": st.sampled_from(["http", "https", "x"]),
        "cookie": st.sampled_from([ACCEPTED, "theme=dark", f"a=b; {ACCEPTED}", "pierhead-session=x", ""]),
        "authorization": st.sampled_from([f"Bearer {TOKEN}", "Bearer x", "Basic eDp5", "Digest x", ""]),
        "license-accepted": st.just("0" * 32),
        "x-remote-groups": st.just("staff"),
    },
)
MADE: Final = reader()


@given(FIELDS, st.none() | ADDRESSES)
@example({"x-forwarded-for": "192.0.2.5"}, "10.0.0.1")
@example({"x-forwarded-for": "192.0.2.5"}, "203.0.113.1")
@example({"cookie": ACCEPTED}, "203.0.113.1")
@example({"authorization": f"Bearer {TOKEN}"}, "203.0.113.1")
def test_whoever_it_answers_is_who_the_full_path_says(fields: dict[str, str], peer: str | None) -> None:
    raw = [(b"host", b"t"), *((name.encode(), value.encode()) for name, value in fields.items())]
    request = MADE.read("GET", b"/a/", b"", raw, peer, "http")

    def lines(name: str) -> list[str]:
        return [fields[name]] if name in fields else []

    try:
        identity = AUTHENTICATOR.identify(lines, peer, NOW)
    except PierheadError:
        assert request is None
        return
    if {"license-accepted", "x-remote-groups"} & fields.keys():
        assert request is None
    elif "x-forwarded-proto" not in fields:
        assert request is not None
        assert request.asked.parsed.identity == identity


def test_a_token_is_believed_for_its_life_and_no_longer() -> None:
    clock = Clock()
    made = reader(clock)
    request = read(made, authorization=f"Bearer {TOKEN}")
    assert request is not None
    assert request.asked.subject == "robot"
    clock.now += 599
    assert made.still_holds(request)
    clock.now += 1
    again = read(made, authorization=f"Bearer {TOKEN}")
    assert again is None or not made.still_holds(again)
    assert not made.still_holds(request)


def test_a_login_is_believed_until_its_groups_are_due_and_no_longer() -> None:
    clock = Clock()
    made = reader(clock)
    session = SESSIONS.start("alice", frozenset({"staff"}), LoginMethod.OIDC, NOW)
    cookie = f"{SESSION_COOKIE}={SESSIONS.write(session)}"
    request = read(made, cookie=cookie)
    assert request is not None, "logged-in users take the full path"
    assert request.asked.subject == "alice"
    assert request.asked.parsed.identity.principal.groups == {"staff"}
    clock.now += 899
    assert made.still_holds(request)
    clock.now += 1
    assert not made.still_holds(request)
    again = read(made, cookie=cookie)
    assert again is None or not made.still_holds(again)


def test_a_token_that_is_taken_back_is_not_believed_from_memory(tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("")
    clock = Clock()
    authenticator = Authenticator(KEYS, SESSIONS, Revocations(revoked), NETWORKS, PROXIES)
    made = RequestReader(Requester(authenticator, NETWORKS, PROXIES, clock), is_host)
    request = read(made, authorization=f"Bearer {TOKEN}")
    assert request is not None
    assert made.still_holds(request)
    revoked.write_text("1")
    clock.now += READ_SECONDS
    assert not made.still_holds(request)
    revoked.unlink()
    clock.now += MAX_UNREAD_SECONDS
    assert not made.still_holds(request)


def test_the_anonymous_are_so_for_ever() -> None:
    clock = Clock()
    made = reader(clock)
    request = read(made)
    assert request is not None
    clock.now = 1e18
    assert made.still_holds(request)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (b"/a/", {"authorization": f"Bearer {token(60, Permission.REFRESH)}"}),
        (b"/a/", {"authorization": "Bearer nonsense"}),
        (b"/a/", {"x_unheard_of": "1"}),
        (b"/a", {"if_none_match": "*"}),
        (b"/healthz", {}),
        (b"/api/ls/", {}),
    ],
)
def test_what_is_left_to_the_full_path(path: bytes, fields: dict[str, str]) -> None:
    assert read(reader(), path, **fields) is None


def test_a_cookie_that_says_nothing_changes_nothing() -> None:
    for path in (b"/a/", b"/a"):
        request, plain = read(reader(), path, cookie="theme=dark"), read(reader(), path)
        assert request is not None
        assert request == plain


@pytest.mark.parametrize("name", [b"accept", b"if-none-match", b"user-agent"])
def test_a_field_that_is_long_or_repeated_is_left_to_the_full_path(name: bytes) -> None:
    def is_read(*values: bytes) -> bool:
        fields = [(b"host", b"t"), *((name, value) for value in values)]
        return reader().read("GET", b"/a/", b"", fields, "203.0.113.1", "http") is not None

    assert is_read(b"x" * MAX_REMEMBERED_BYTES)
    assert not is_read(b"x" * (MAX_REMEMBERED_BYTES + 1))
    assert not is_read(b"x", b"x")
