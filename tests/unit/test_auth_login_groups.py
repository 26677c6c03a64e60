"""Which groups count, and by what name."""

from __future__ import annotations

import pytest

from app.auth.login_groups import GroupNames
from app.auth.oidc.claims import claim_at


@pytest.mark.parametrize(
    ("items", "theirs", "ours"),
    [
        (["*"], ["a", "b"], {"a", "b"}),
        (["a"], ["a", "b", "ab"], {"a"}),
        (["/*=*"], ["/a/b", "c"], {"a/b"}),
        (["*=corp-*"], ["a"], {"corp-a"}),
        (["5f2e=release", "x-*"], ["5f2e", "x-1"], {"release", "x-1"}),
        (["dev-*-eu=*"], ["dev-a-eu", "dev-eu", "dev--eu"], {"a"}),
        (["a=b", "a=c"], ["a"], {"b", "c"}),
        (["x-*=team"], ["x-1", "x-2"], {"team"}),
        ([], ["a"], set()),
        (["CN=Staff,DC=test=staff"], ["CN=Staff,DC=test", "CN"], {"staff"}),
        (["CN=*,DC=test=*"], ["CN=Board Members,DC=test"], {"Board Members"}),
    ],
)
def test_groups_are_chosen_and_renamed(items: list[str], theirs: list[str], ours: set[str]) -> None:
    assert GroupNames(items).choose(theirs) == ours


@pytest.mark.parametrize("item", ["", "=a", "a=", "**", "a=*", "*=**"])
def test_what_is_no_rule_for_groups(item: str) -> None:
    with pytest.raises(ValueError, match="got"):
        GroupNames([item])


@pytest.mark.parametrize(
    ("claims", "name", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"https://example.org/groups": ["x"]}, "https://example.org/groups", ["x"]),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a": "text"}, "a.b", None),
        ({}, "a", None),
    ],
)
def test_a_claim_may_be_nested(claims: dict[str, object], name: str, value: object) -> None:
    assert claim_at(claims, name) == value
