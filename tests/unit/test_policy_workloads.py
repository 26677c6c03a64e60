"""Which claims make somebody a member, and how the tables that say so are read."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.policy.site_policy_file import SitePolicyError, parse_site_policy
from app.policy.workloads import MAX_VALUE_LENGTH, ClaimPattern, WorkloadGroup, WorkloadIssuer

TABLE = """[[workload_issuers]]
issuer = "https://issuer.example.org"
audience = "https://site.example.org"
groups = [
    { claim = "a.b", equals = "x*", group = "exact" },
    { claim = "c", matches = "x*", group = "wild" },
]
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SitePolicyError) as caught:
        parse_site_policy(text, source="p", read_text=str, read_bytes=str.encode)
    return [str(fault).removeprefix("p, line ") for fault in caught.value.faults]


def test_a_value_that_is_no_pattern_is_met_by_itself_alone() -> None:
    exact = ClaimPattern("x*", is_wild=False)
    assert exact.matches(["y", "x*"])
    assert not exact.matches(["y", "xy"])
    assert not exact.matches([])


def test_a_table_is_read() -> None:
    policy = parse_site_policy(TABLE, source="p", read_text=str, read_bytes=str.encode)
    exact = WorkloadGroup("a.b", ClaimPattern("x*", is_wild=False), "exact")
    wild = WorkloadGroup("c", ClaimPattern("x*", is_wild=True), "wild")
    assert policy.workload_issuers == (
        WorkloadIssuer("https://issuer.example.org", "https://site.example.org", (exact, wild)),
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('issuer = "https://issuer.example.org"', "", "1: a workload issuer must have an issuer"),
        ('audience = "https://site.example.org"', "", "1: a workload issuer must have an audience"),
        ("audience", "audiance", "3: unknown key 'audiance'; did you mean 'audience'?"),
        ("https://issuer", "http://issuer", "2: issuer must be an https: URL"),
        ("issuer.example.org", "issuer.example.org/?x", "2: issuer must be an https: URL"),
        ('"https://site.example.org"', '""', "3: audience must be a text that is not blank"),
        ('"https://site.example.org"', '["https://site.example.org"]', "3: audience must be a text"),
        ('equals = "x*"', 'equal = "x*"', "4: unknown key 'equal'; did you mean 'equals'?"),
        ('equals = "x*"', 'equals = "x", matches = "x"', "4: each of groups must have a claim, either equals"),
        ('equals = "x*", ', "", "4: each of groups must have a claim, either equals or matches, and a group"),
        ('claim = "a.b", ', "", "4: each of groups must have a claim"),
        (', group = "wild"', "", "4: each of groups must have a claim"),
        ('matches = "x*"', 'matches = "**x"', "4: matches must be a text with stars, but got '**x': ** may only"),
        ('matches = "x*"', "matches = true", "4: matches must be a text that is not blank, but got True"),
        ('group = "wild"', 'group = " "', "4: group must be a text that is not blank"),
    ],
)  # fmt: skip
def test_every_fault_is_named_with_its_line(old: str, new: str, fault: str) -> None:
    assert old in TABLE
    found = faults(TABLE.replace(old, new))
    assert any(line.startswith(fault) for line in found), found


@pytest.mark.parametrize("groups", ["[]", '"release-team"', '["release-team"]', "{}"])
def test_groups_are_tables(groups: str) -> None:
    text = f'[[workload_issuers]]\nissuer = "https://i"\naudience = "a"\ngroups = {groups}\n'
    assert faults(text)[0].startswith("4: groups must be a list of at least one table such as { claim")


def test_an_issuer_has_one_table() -> None:
    assert "9: the issuer 'https://issuer.example.org' has a table already, on line 2" in faults(
        TABLE + TABLE
    )


def naive(pattern: str, value: str) -> bool:
    """The rule itself, tried in every way."""
    if pattern == "**":
        return True
    if not pattern:
        return not value
    if pattern[0] != "*":
        return value[:1] == pattern[0] and naive(pattern[1:], value[1:])
    return naive(pattern[1:], value) or (value[:1] not in ("", "/", ":") and naive(pattern, value[1:]))


@given(
    st.lists(st.sampled_from(["a", "b", "/", ":", "*"]), max_size=7)
    .map("".join)
    .map(lambda text: re.sub(r"\*+", "*", text)),
    st.sampled_from(["", "", "/**"]),
    st.text("ab/:", max_size=9),
)
@example("a*b*b", "", "abxb")
@example("*a/*b", "", "aa/b")
@example("*a*", "", "bab")
def test_a_pattern_matches_what_its_stars_allow(pattern: str, end: str, value: str) -> None:
    assert ClaimPattern(pattern + end, is_wild=True).matches([value]) == naive(pattern + end, value)


def test_a_value_that_is_too_long_matches_nothing() -> None:
    everything = ClaimPattern("**", is_wild=True)
    assert everything.matches(["x" * MAX_VALUE_LENGTH])
    assert not everything.matches(["x" * (MAX_VALUE_LENGTH + 1)])
    assert not everything.matches([])


def test_no_value_makes_a_pattern_take_long() -> None:
    pattern = ClaimPattern("*a*a*a*a*a*a*a*a*a*a*a*a*b", is_wild=True)
    assert not pattern.matches(["a" * MAX_VALUE_LENGTH] * 100)
