"""Access tokens and durations."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.keys import KeyRing, Purpose
from app.auth.networks import parse_networks
from app.auth.tokens import TokenGrant, issue_token, parse_duration, verify_token
from app.domain.errors import AuthenticationFailed

NOW = 1_700_000_000
KEYS = KeyRing(["secret"])
GRANT = TokenGrant("robot", frozenset({"members", "ü"}), NOW + 60, NOW, "token-1")

GRANTS = st.builds(
    TokenGrant,
    subject=st.text(min_size=1, max_size=30),
    groups=st.frozensets(st.text(max_size=20), max_size=5),
    expires=st.integers(NOW + 1, NOW + 10**9),
    issued=st.integers(0, NOW),
    id=st.text(max_size=20),
    not_before=st.none() | st.integers(0, NOW),
    paths=st.lists(st.text(max_size=30), max_size=3).map(tuple),
    networks=st.just(()) | st.just(parse_networks(["10.0.0.0/8", "2001:db8::/32"])),
)


def code(token: str, client: str | None = None, now: float = NOW) -> str:
    with pytest.raises(AuthenticationFailed) as caught:
        verify_token(KEYS, token, client=ip_address(client) if client else None, now=now)
    return caught.value.code


@given(GRANTS)
def test_a_grant_comes_back_as_it_was(grant: TokenGrant) -> None:
    token = issue_token(KEYS, grant)
    assert verify_token(KEYS, token, client=ip_address("10.1.2.3"), now=NOW) == grant


def test_a_token_is_bound_to_its_networks() -> None:
    token = issue_token(
        KEYS, TokenGrant("robot", frozenset(), NOW + 60, NOW, "1", networks=parse_networks(["10.9.8.7"]))
    )
    assert verify_token(KEYS, token, client=ip_address("10.9.8.7"), now=NOW).subject == "robot"
    assert code(token, "10.9.8.8") == "token-network"
    assert code(token, "::1") == "token-network"
    assert code(token) == "token-network"


def test_times() -> None:
    token = issue_token(KEYS, TokenGrant("robot", frozenset(), NOW + 60, NOW, "1", not_before=NOW + 30))
    assert code(token, now=NOW) == "token-not-yet-valid"
    assert verify_token(KEYS, token, client=None, now=NOW + 30).not_before == NOW + 30
    assert code(token, now=NOW + 60) == "token-expired"


@pytest.mark.parametrize(
    "wrong",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"jti": None},
        {"iat": "now"},
        {"groups": "members"},
        {"groups": None},
        {"groups": [1]},
        {"paths": None},
        {"paths": {"a": 1}},
        {"networks": None},
        {"networks": ["nowhere"]},
        {"networks": "10.0.0.0/8"},
    ],
)
def test_claims_of_the_wrong_type(wrong: dict[str, Any]) -> None:
    right = {"sub": "s", "groups": [], "exp": NOW + 60, "iat": NOW, "jti": "1", "paths": [], "networks": []}
    assert verify_token(KEYS, KEYS.sign(Purpose.ACCESS, right), client=None, now=NOW).groups == frozenset()
    assert code(KEYS.sign(Purpose.ACCESS, right | wrong)) == "token-claims"


@pytest.mark.parametrize("name", ["sub", "groups", "iat", "jti", "paths", "networks"])
def test_a_limit_left_out_is_not_no_limit(name: str) -> None:
    claims = {"sub": "s", "groups": [], "exp": NOW + 60, "iat": NOW, "jti": "1", "paths": [], "networks": []}
    del claims[name]
    assert code(KEYS.sign(Purpose.ACCESS, claims)) == "token-claims"


def test_a_token_needs_a_subject() -> None:
    with pytest.raises(ValueError, match="subject"):
        issue_token(KEYS, TokenGrant("", frozenset(), NOW + 60, NOW, "1"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("90m", 5400), ("12h", 43200), ("30d", 2592000), ("2w", 1209600), ("007s", 7)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "0d", "-1d", "1.5h", "1y", "1 d", "1D", "1d2h", "٣d", "9" * 10 + "s"]
)
def test_other_durations_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"30d, 12h, 90m, 45s, 2w"):
        parse_duration(text)
