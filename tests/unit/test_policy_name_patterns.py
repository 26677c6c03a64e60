"""Patterns for one name: they mean what `fnmatch` means by them, and cost one step for each character of the name."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.domain.access import Source
from app.policy.build_info import MAX_WILD_CHARACTERS, parse_build_info
from app.policy.build_info_rules import BuildInfoRules
from app.policy.name_patterns import MAX_PATTERN_BYTES, NamePattern, NamePatterns, is_wild
from app.policy.terms import Terms, combine

CHARACTERS = "abz-!^]\n.\udcff\U0001f681"
PATTERNS = st.text(st.sampled_from("*?[]" + CHARACTERS + "&|~\\"), max_size=14) | st.text(max_size=8)
NAMES = st.text(st.sampled_from(CHARACTERS), max_size=10)
_BEGINS_NEGATED_ONCE_CUT = re.compile(r"\[(?:(.)-(.))+!", re.DOTALL)
"""`fnmatch` drops ranges that run back, and then takes a `!` that they leave in front for a negation."""


@given(PATTERNS, NAMES)
@example("[z-a]", "a")
@example("[!z-a]", "a")
@example("[]a]", "]")
@example("[!]a]", "b")
@example("[a-]", "-")
@example("[a-b-z]", "y")
@example("[a--z]", "z")
@example("[", "[")
@example("[!]", "[!]")
@example("*[*?]*", "a*")
@example("?", "\n")
@example("a*b*a", "aba")
@example("*aab", "aaab")
@example("a", "A")
def test_a_pattern_means_what_fnmatch_means_by_it(pattern: str, name: str) -> None:
    assume(not _BEGINS_NEGATED_ONCE_CUT.search(pattern))
    if is_wild(pattern):
        assert NamePattern.compile(pattern).matches(name) == fnmatch.fnmatchcase(name, pattern)
    else:
        assert NamePattern.compile(pattern).matches(name) == (name == pattern)


@given(st.lists(PATTERNS, max_size=6), NAMES)
@example(["*", "", "a*", "*a"], "a")
@example(["", "*"], "")
@example(["a", "b"], "ab")
def test_several_patterns_match_as_each_does_alone(patterns: list[str], name: str) -> None:
    alone = [index for index, pattern in enumerate(patterns) if NamePatterns((pattern,)).matching(name)]
    assert list(NamePatterns(patterns).matching(name)) == alone


class ReadOnce(str):
    """A name that counts how many of its characters are looked at."""

    __slots__ = ("looked_at",)

    def __iter__(self) -> Iterator[str]:
        self.looked_at = 0
        for character in str(self):
            self.looked_at += 1
            yield character


@pytest.mark.parametrize(
    "pattern", ["*a" * 100 + "b", "*" + "a" * 120 + "b*", "*?" * 120, "*[ab]" * 50 + "c", "*a*a*a*b"]
)
def test_a_name_is_read_once_whatever_the_pattern(pattern: str) -> None:
    name = ReadOnce("a" * MAX_PATTERN_BYTES)
    NamePatterns((pattern,) * 8).matching(name)
    assert name.looked_at <= len(name)


def test_a_name_is_left_as_soon_as_the_rest_of_it_makes_no_difference() -> None:
    for pattern in ("b*", "*", "aa*", "[!a]*"):
        name = ReadOnce("a" * 100)
        NamePatterns((pattern,)).matching(name)
        assert name.looked_at <= 3


def test_few_characters_of_the_names_are_remembered() -> None:
    patterns = NamePatterns(("*[!x]",))
    for code in range(0x4E00, 0x9000):
        assert patterns.matching(chr(code)) == (0,)
    assert len(patterns._steps) <= 512


def test_the_terms_of_many_blocks_are_worked_out_once_for_alike_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = "".join(f"Files-Pattern: *{'a' * (n % 8)}*,x{n}*\nAuth-Groups: g{n}\n" for n in range(100))
    text = f"Format-Version: 0.5\n{blocks}"
    assert len(text) > MAX_WILD_CHARACTERS // 2
    rules = BuildInfoRules.compile(parse_build_info(text.encode(), "r"), Source("r"))
    combined = []

    def count(terms: Iterable[Terms]) -> Terms:
        combined.append(terms)
        return combine(terms)

    monkeypatch.setattr("app.policy.build_info_rules.combine", count)
    terms = {rules.for_file("a" * 20 + str(number)) for number in range(300)}
    assert (len(terms), len(combined)) == (1, 1)
