"""Path globs: what they match, what they refuse to be, and which of two is more specific."""

from __future__ import annotations

import re
import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.access import PathScope
from app.domain.paths import ROOT, ArtifactPath
from app.policy.globs import PathGlob, scope_covers
from app.policy.name_patterns import NamePattern


def path(text: str) -> ArtifactPath:
    return ArtifactPath.from_text(text)


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        (
            "hwpacks",
            ["/hwpacks", "/hwpacks/", "/hwpacks/f", "/hwpacks/a/b/"],
            ["/", "/hwpacks2/f", "/a/hwpacks"],
        ),
        ("/a/b/", ["/a/b/", "/a/b", "/a/b/c"], ["/a/", "/a", "/a/bb", "/b/"]),
        ("/", ["/", "/a", "/a/b/"], []),
        ("**", ["/", "/a", "/a/b/"], []),
        ("*", ["/a", "/a/", "/a/b"], ["/"]),
        ("a/*", ["/a/b", "/a/b/c"], ["/a/", "/b/c"]),
        ("a/**", ["/a/", "/a/b", "/a/b/c"], ["/", "/b"]),
        ("**/x", ["/x", "/a/x", "/a/b/x/", "/a/x/b"], ["/", "/a", "/ax", "/a/xx"]),
        ("a/**/z", ["/a/z", "/a/b/z", "/a/b/c/z/y"], ["/a/", "/z", "/b/z"]),
        ("a/**/**/z", ["/a/z", "/a/b/c/z"], ["/a/b"]),
        ("**/a/*/z", ["/a/b/z", "/a/a/b/z", "/q/a/a/z"], ["/a/z", "/a/b/c/z"]),
        ("b/*.img", ["/b/x.img", "/b/.img"], ["/b/x.IMG", "/b/x.img.gz", "/b/c/x.img"]),
        ("v[0-9]?", ["/v10", "/v1x/f"], ["/v1", "/va0", "/v100"]),
        ("[!a]*", ["/b", "/bc"], ["/a", "/ab"]),
        ("f[[]1].txt", ["/f[1].txt"], ["/f1.txt"]),
        ("Ü ber/*", ["/Ü ber/x"], ["/ü ber/x"]),
        ("a?b", ["/a.b", "/a\udcffb"], ["/a/b", "/ab"]),
    ],
)
def test_matches(glob: str, inside: list[str], outside: list[str]) -> None:
    parsed = PathGlob.parse(glob)
    assert [text for text in inside if not parsed.matches(path(text))] == []
    assert [text for text in outside if parsed.matches(path(text))] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not empty"),
        ("a//b", "empty segment"),
        ("//", "empty segment"),
        ("a/../b", "'..'"),
        ("./a", "'.'"),
        ("a/b**", "whole segments"),
        ("***", "whole segments"),
        ("a[1", "no ']'"),
        ("a[]", "no ']'"),
        ("a[!]", "no ']'"),
        ("a\nb", "control character"),
        ("a/" * 3000, "at most"),
    ],
)
def test_what_is_no_glob_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        PathGlob.parse(text)


def test_spellings_that_cannot_matter_make_equal_globs() -> None:
    assert len({PathGlob.parse(text) for text in ("a/b", "/a/b", "a/b/", "/a/b/**", "a/b/**/**/")}) == 1
    assert len({PathGlob.parse(text) for text in ("/", "**", "/**/")}) == 1
    assert PathGlob.parse("a/**/b") == PathGlob.parse("a/**/**/b") != PathGlob.parse("a/b")


def test_from_least_to_most_specific() -> None:
    ordered = [
        *("/", "**/*", "*", "?", "*.img", "*/*"),
        *("**/a", "a", "secret", "a/*", "a/**/*.img", "a/*.img", "a/*/*"),
        *("a/**/b", "a/b", "a/*/b", "a/b/c"),
    ]
    shuffled = sorted(ordered)
    assert sorted(shuffled, key=lambda text: PathGlob.parse(text).specificity) == ordered


def test_the_narrower_of_two_globs_is_never_the_less_specific() -> None:
    # Every glob of up to three segments against every path of up to five names.
    texts = [
        "/".join(parts) for n in (1, 2, 3) for parts in product(["a", "b", "*", "a*", "?", "**"], repeat=n)
    ]
    paths = [ArtifactPath.of(*names) for n in range(6) for names in product(["a", "b", "ab", "bb"], repeat=n)]
    globs = {PathGlob.parse(text) for text in texts}
    matched = {glob: frozenset(i for i, p in enumerate(paths) if glob.matches(p)) for glob in globs}
    narrower = [(one, other) for one in globs for other in globs if matched[one] < matched[other]]
    assert len(narrower) > 1000
    assert [pair for pair in narrower if pair[0].specificity < pair[1].specificity] == []
    # `a/**/*` and `a/*` are two spellings of one thing, the only way for the narrower to draw.
    draws = [pair for pair in narrower if pair[0].specificity == pair[1].specificity]
    assert all(one.text.endswith("/**/*") for one, _ in draws)


@pytest.mark.timeout(20)
def test_matching_does_not_blow_up() -> None:
    # A search that tried every split of the segments would not end in a lifetime.
    globs = ["/".join(["**", "a"] * 100), "/".join(["**", "*"] * 100), "*a" * 100]
    started = time.process_time()
    assert not PathGlob.parse(globs[0] + "/b").matches(ArtifactPath.of(*["a"] * 1000))
    assert not PathGlob.parse(globs[1] + "/b").matches(ArtifactPath.of(*["a"] * 1000))
    assert not PathGlob.parse(globs[2]).matches(ArtifactPath.of("a" * 99))
    assert time.process_time() - started < 10


SEGMENT = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "**"])
NAMES = st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=5)


def matches_by_definition(parts: list[str], names: list[str]) -> bool:
    """The rule as the documentation words it, without a thought for speed."""
    if not parts:
        return True
    head, *rest = parts
    if head == "**":
        return any(matches_by_definition(rest, names[i:]) for i in range(len(names) + 1))
    return (
        bool(names) and NamePattern.compile(head).matches(names[0]) and matches_by_definition(rest, names[1:])
    )


@given(st.lists(SEGMENT, min_size=1, max_size=6), NAMES)
def test_matching_agrees_with_its_definition(parts: list[str], names: list[str]) -> None:
    assert PathGlob.parse("/".join(parts)).matches(ArtifactPath.of(*names)) == matches_by_definition(
        parts, names
    )


@given(st.lists(SEGMENT, min_size=1, max_size=6), NAMES, st.sampled_from(["a", "b", "c"]))
def test_what_governs_a_folder_governs_what_is_in_it(parts: list[str], names: list[str], name: str) -> None:
    glob = PathGlob.parse("/".join(parts))
    folder = ArtifactPath.of(*names, is_folder=True)
    child = glob.child_pattern(folder)
    if glob.matches(folder):
        assert glob.matches(folder.child(name))
    else:
        assert glob.matches(folder.child(name)) == (child is not None and child.matches(name))


def test_a_scope_without_globs_covers_the_whole_tree() -> None:
    assert scope_covers(PathScope(), ROOT)
    assert scope_covers(PathScope(), path("/a/b"))


def test_a_scope_covers_what_any_of_its_globs_matches() -> None:
    scope = PathScope(("a/b", "/c/*/"))
    assert [scope_covers(scope, path(p)) for p in ("/a/b/x", "/c/d", "/a/", "/c/")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_glob_that_cannot_be_parsed_covers_nothing() -> None:
    assert not scope_covers(PathScope(("",)), path("/a"))
    assert not scope_covers(PathScope(("a//b",)), path("/a"))
    assert scope_covers(PathScope(("a//b", "c")), path("/c"))
