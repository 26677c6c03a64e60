"""From header fields to a principal."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.cookies import MAX_COOKIE_BYTES, cookie_values
from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, grant_acceptance
from app.auth.networks import parse_networks
from app.auth.principal import Authenticator, Identity
from app.auth.revocation import Revocations
from app.auth.sessions import SESSION_COOKIE, LoginMethod, SessionLives, Sessions
from app.auth.tokens import TokenGrant, issue_token
from app.domain.access import ANONYMOUS, PathScope, Principal
from app.domain.errors import AuthenticationFailed, SessionDue

NOW = 1_700_000_000.0
KEYS = KeyRing(["secret"])
TOKEN = issue_token(
    KEYS, TokenGrant("robot", frozenset({"members"}), NOW + 60, NOW, "1", paths=("releases/**",))
)
ROBOT = Principal("robot", frozenset({"members"}), PathScope(("releases/**",)), sent_authorization=True)
A, B = "a" * 32, "b" * 32

SESSIONS = Sessions(KEYS, SessionLives(43200, 7200, 900), epoch=0)
AUTHENTICATOR = Authenticator(
    KEYS, SESSIONS, Revocations(None), parse_networks(["192.0.2.0/24"]), parse_networks(["10.0.0.1"])
)


def identify(peer: str | None = "203.0.113.1", **lines: str | Sequence[str]) -> Identity:
    """Header fields by name; a list stands for a repeated field."""
    by_name = {name: [value] if isinstance(value, str) else value for name, value in lines.items()}
    by_name = {
        name.replace("_", "-") if name != "license_accepted" else name: v for name, v in by_name.items()
    }
    return AUTHENTICATOR.identify(lambda name: by_name.get(name, ()), peer, NOW)


def code(authorization: str | Sequence[str]) -> str:
    with pytest.raises(AuthenticationFailed) as caught:
        identify(authorization=authorization)
    return caught.value.code


def basic(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return f"Basic {base64.b64encode(raw).decode()}"


def test_the_groups_of_a_session_count_until_they_are_due() -> None:
    for age, is_due in [(0, False), (899, False), (900, True)]:
        started = SESSIONS.start("alice", frozenset({"staff"}), LoginMethod.OIDC, NOW - age)
        fields = f"{SESSION_COOKIE}={SESSIONS.write(started)}"
        if is_due:
            with pytest.raises(SessionDue):
                identify(cookie=fields)
        else:
            assert identify(cookie=fields).principal == Principal("alice", frozenset({"staff"}))


def test_without_credentials_anonymous() -> None:
    assert identify() == Identity(ANONYMOUS, ip_address("203.0.113.1"))
    assert identify(None) == Identity(ANONYMOUS, None)


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        f"BEARER   {TOKEN} ",
        basic(f"user:{TOKEN}"),
        basic(f":{TOKEN}"),
        basic(f"ü:{TOKEN}"),
        basic(f"user:{TOKEN}").replace("Basic", "bASIC"),
    ],
)
def test_a_token_by_bearer_or_basic(value: str) -> None:
    assert identify(authorization=value).principal == ROBOT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "auth-scheme"),
        ("Digest username=x", "auth-scheme"),
        ("Negotiate abc", "auth-scheme"),
        ("AWS4-HMAC-SHA256 Credential=x", "auth-scheme"),
        (TOKEN, "auth-scheme"),
        ("Bearer", "token-malformed"),
        ("Bearer x", "token-malformed"),
        (f"Bearer {TOKEN} {TOKEN}", "token-malformed"),
        (f"Bearer {TOKEN[:-3]}abc", "token-signature"),
        ("Basic", "token-malformed"),
        ("Basic ***", "token-malformed"),
        ("Basic YWJj", "token-malformed"),  # no colon
        ("Basic YTpi=", "token-malformed"),
        ("Basic é", "token-malformed"),
        (basic(b"\xff:\xff"), "token-malformed"),
        (basic(f"{TOKEN}:"), "token-malformed"),
        (basic(f"user:more:{TOKEN}"), "token-malformed"),  # the colon is the password's
        ([f"Bearer {TOKEN}", f"Bearer {TOKEN}"], "auth-repeated"),
        (["", f"Bearer {TOKEN}"], "auth-repeated"),
    ],
)
def test_bad_credentials_are_never_anonymous(value: str | list[str], expected: str) -> None:
    assert code(value) == expected


@given(st.text(st.characters(codec="latin-1")))
def test_garbage_raises_one_error_only(text: str) -> None:
    code(text)
    code(f"Bearer {text}")
    code(f"Basic {text}")
    code(basic(text))


def test_licences_by_header_in_both_spellings_and_by_cookie() -> None:
    cookie = grant_acceptance(KEYS, None, [A], NOW)
    assert identify(license_accepted=A).principal == Principal(accepted=frozenset({A}))
    both = identify(cookie=f"x=1; {ACCEPTANCE_COOKIE}={cookie}; y", license_accepted=B)
    assert both.principal == Principal(accepted=frozenset({A, B}))


def test_the_hyphenated_licence_header() -> None:
    headers = {"license-accepted": [f"{A} junk"]}
    principal = AUTHENTICATOR.identify(lambda name: headers.get(name, ()), None, NOW).principal
    assert principal.accepted == {A}


def test_licences_go_with_a_token() -> None:
    identity = identify(authorization=f"Bearer {TOKEN}", license_accepted=A)
    assert identity.principal.accepted == {A}
    assert identity.principal.subject == "robot"


def test_of_several_cookies_the_first_valid_one_counts() -> None:
    cookie, other = grant_acceptance(KEYS, None, [A], NOW), grant_acceptance(KEYS, None, [B], NOW)
    name = ACCEPTANCE_COOKIE
    assert identify(cookie=f"{name}=junk; {name}={cookie}; {name}={other}").principal.accepted == {A}
    assert identify(cookie=[f"{name}=junk", f'{name}="{other}"']).principal.accepted == {B}
    assert identify(cookie=f"{name}=junk; " * 3 + f"{name}={cookie}").principal.accepted == {A}
    assert identify(cookie=f"x{name}=junk; " * 9 + f"{name}={cookie}").principal.accepted == {A}
    assert identify(cookie=f"{name}=junk; " * 4 + f"{name}={cookie}").principal.accepted == frozenset()


def test_a_bad_or_huge_cookie_is_no_error() -> None:
    cookie = grant_acceptance(KEYS, None, [A], NOW)
    assert identify(cookie=f"{ACCEPTANCE_COOKIE}=junk").principal == ANONYMOUS
    huge = f"{ACCEPTANCE_COOKIE}={cookie}; x={'y' * MAX_COOKIE_BYTES}"
    assert identify(cookie=huge).principal == ANONYMOUS


@given(st.text(st.characters(codec="latin-1")))
def test_no_cookie_breaks_the_reader(text: str) -> None:
    assert identify(cookie=text).principal == ANONYMOUS
    assert next(cookie_values([f"n=v;{text}"], "n")) == "v"


def test_trusted_networks() -> None:
    assert identify("192.0.2.5") == Identity(Principal(trusted=True), ip_address("192.0.2.5"))
    assert identify("192.0.2.5", authorization=f"Bearer {TOKEN}").principal.trusted
    assert not identify("192.0.3.5").principal.trusted


def test_nobody_talks_their_way_into_a_trusted_network() -> None:
    assert not identify("203.0.113.1", x_forwarded_for="192.0.2.5").principal.trusted
    assert not identify("10.0.0.1", x_forwarded_for="192.0.2.5, 203.0.113.1").principal.trusted
    assert identify("10.0.0.1", x_forwarded_for="203.0.113.1, 192.0.2.5").principal.trusted


def test_a_tokens_network_is_checked_against_the_client_not_the_proxy() -> None:
    bound = TokenGrant("robot", frozenset(), NOW + 60, NOW, "1", networks=parse_networks(["10.0.0.1"]))
    authorization = f"Bearer {issue_token(KEYS, bound)}"
    assert identify("10.0.0.1", authorization=authorization).principal.subject == "robot"
    with pytest.raises(AuthenticationFailed) as caught:
        identify("10.0.0.1", authorization=authorization, x_forwarded_for="203.0.113.1")
    assert caught.value.code == "token-network"
