"""What people may put into tokens of their own: their groups, some of them, for as long as is allowed."""

from __future__ import annotations

from typing import Final

import pytest

from app.auth.keys import KeyRing
from app.auth.own_tokens import MIN_SECONDS, OwnTokens
from app.auth.sessions import LoginMethod, Session
from app.domain.errors import BadParameter

NOW: Final = 1_700_000_000.5
MOST: Final = 3600
TOKENS: Final = OwnTokens(KeyRing(["a secret of some length"]), MOST)
SESSION: Final = Session("alice", frozenset({"staff", "qa"}), LoginMethod.OIDC, "1", NOW, NOW)


@pytest.mark.parametrize("seconds", [MIN_SECONDS, MOST])
def test_the_shortest_and_the_longest_life(seconds: int) -> None:
    grant = TOKENS.grant(SESSION, {"staff"}, seconds, NOW)
    assert (grant.subject, grant.groups, grant.issued) == ("alice", frozenset({"staff"}), NOW // 1)
    assert grant.expires == int(NOW) + seconds


@pytest.mark.parametrize("seconds", [0, MIN_SECONDS - 1, MOST + 1])
def test_a_life_that_is_too_short_or_too_long(seconds: int) -> None:
    with pytest.raises(BadParameter, match=f"from {MIN_SECONDS} to {MOST}"):
        TOKENS.grant(SESSION, {"staff"}, seconds, NOW)


@pytest.mark.parametrize("groups", [set(), {"admins"}, {"staff", "admins"}])
def test_groups_of_others_or_none(groups: set[str]) -> None:
    with pytest.raises(BadParameter, match="your own groups"):
        TOKENS.grant(SESSION, groups, MOST, NOW)
