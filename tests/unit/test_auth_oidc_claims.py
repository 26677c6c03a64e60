"""Users and groups among the claims of a provider."""

from __future__ import annotations

from typing import Any

import pytest

from app.auth.oidc.claims import claim_at, groups_of, user_of
from app.domain.errors import LoginFailed

CLAIMS: dict[str, Any] = {
    "groups": ["a"],
    "realm_access": {"roles": ["b"], "deeper.still": {"x": 1}},
    "https://example.org/groups": ["c"],
    "example.org": {"teams": {"dev": "d"}},
    "text": "e",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("groups", ["a"]),
        ("realm_access.roles", ["b"]),
        ("realm_access.deeper.still.x", 1),
        ("https://example.org/groups", ["c"]),
        ("example.org.teams.dev", "d"),
        ("realm_access.none", None),
        ("groups.a", None),
        ("text.more", None),
        ("", None),
        (".", None),
    ],
)
def test_a_claim_is_found_however_deep_it_is(name: str, value: object) -> None:
    assert claim_at(CLAIMS, name) == value


@pytest.mark.parametrize("name", ["sub", "missing", "number", "blank", "control"])
def test_what_is_no_name_names_nobody(name: str) -> None:
    with pytest.raises(LoginFailed) as caught:
        user_of({"sub": "", "number": 7, "blank": " ", "control": "a\nb"}, name)
    assert caught.value.code == "no-user"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"_claim_names": {"groups": "src1"}}, "groups"),
        ({"groups": ["a"], "_claim_names": {"groups": "src1"}}, "groups"),
        ({"_claim_names": {"realm_access": "src1"}}, "realm_access.roles"),
        ({"_claim_names": {"realm_access.roles": "src1"}}, "realm_access.roles"),
        ({"hasgroups": True}, "groups"),
        ({"hasgroups": "true"}, "groups"),
    ],
)
def test_groups_that_are_elsewhere_are_not_none(claims: dict[str, Any], name: str) -> None:
    with pytest.raises(LoginFailed) as caught:
        groups_of(claims, name)
    assert caught.value.code == "groups-left-out"


@pytest.mark.parametrize(
    ("claims", "name", "groups"),
    [
        ({"roles": ["a"], "_claim_names": {"groups": "src1"}, "hasgroups": True}, "roles", ("a",)),
        ({"groups": "a"}, "groups", ("a",)),
        ({"groups": []}, "groups", ()),
        ({"_claim_names": "groups"}, "groups", None),
        ({}, "groups", None),
    ],
)
def test_other_groups_are_left_where_they_are(
    claims: dict[str, Any], name: str, groups: tuple[str, ...] | None
) -> None:
    assert groups_of(claims, name) == groups
