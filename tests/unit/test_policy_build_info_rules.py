"""What a BUILD-INFO.txt means for files and listing of its folder."""

from __future__ import annotations

import pytest

from app.domain.access import (
    ANONYMOUS,
    Access,
    Allow,
    Forbidden,
    Licence,
    NeedsLicence,
    NeedsLogin,
    Source,
)
from app.policy.decide import classify, decide, explain
from tests.support.policy import FOLDER, build_info_rules, decide_file, folder_rules, member_of

OPEN = ("License-Type: open",)
NOT_COVERED = Forbidden((), "the access rules of this folder do not cover this file")
NO_LICENCE = Forbidden((), "the access rules of this folder name no licence for this file")


def protected(text: str) -> tuple[str, ...]:
    return ("License-Type: protected", f"License-Text: {text}")


def needs(*texts: str) -> NeedsLicence:
    return NeedsLicence(tuple(Licence(text) for text in texts))


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("*", ".dotfile", True),
        ("*.txt", "a.txt", True),
        ("*.txt", ".txt", True),
        ("*.txt", "a.TXT", False),
        ("*.txt", "a.txt.gz", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[ab].bin", "b.bin", True),
        ("[!ab].bin", "c.bin", True),
        ("[!ab].bin", "b.bin", False),
        ("f[12].txt", "f[12].txt", True),
        ("f[12].txt", "f1.txt", True),
        ("f[1", "f[1", True),
        ("16.09/*", "a.txt", False),
        ("releases/16.09/a.txt", "a.txt", False),
        ("format-version", "format-version", True),
        ("one, two ,three", "two", True),
        ("*.a, *.b", "x.b", True),
        ("a.txt,", "b.txt", False),
    ],
)
def test_patterns_match_the_whole_base_name(pattern: str, name: str, covered: bool) -> None:
    rules = build_info_rules(f"Files-Pattern: {pattern}", *OPEN)
    assert decide_file(rules, name, ANONYMOUS) == (Allow() if covered else NOT_COVERED)


def test_only_a_format_version_lists_and_refuses_every_file() -> None:
    rules = build_info_rules()
    assert decide(FOLDER, rules, ANONYMOUS) == Allow()
    assert decide_file(rules, "a", ANONYMOUS) == NOT_COVERED
    assert classify(FOLDER.child("a"), rules) == (Access.CLOSED, ())


@pytest.mark.parametrize(
    ("lines", "decision"),
    [
        (OPEN, Allow()),
        (("License-Type: OPEN", "License-Text: not asked for"), Allow()),
        (protected("T"), needs("T")),
        (("License-Text: T",), needs("T")),
        (("License-Type: protected",), NO_LICENCE),
        (("License-Type: protected", "License-Text:"), NO_LICENCE),
        ((), NO_LICENCE),
        (("Build-Name: x", "Theme: linaro"), NO_LICENCE),
        (("License-Type: protected", "Auth-Groups:"), NO_LICENCE),
    ],
)
def test_what_a_block_without_groups_asks_of_anybody(lines: tuple[str, ...], decision: object) -> None:
    assert decide_file(build_info_rules("Files-Pattern: *", *lines), "f", ANONYMOUS) == decision


@pytest.mark.parametrize(
    ("lines", "for_members"),
    [
        (OPEN, Allow()),
        ((), Allow()),
        (("License-Type: protected",), Allow()),
        (protected("T"), needs("T")),
    ],
)
def test_groups_come_first_and_the_licence_after(lines: tuple[str, ...], for_members: object) -> None:
    rules = build_info_rules("Files-Pattern: *", "Auth-Groups: beta, alpha", *lines)
    assert decide_file(rules, "f", ANONYMOUS) == NeedsLogin()
    assert decide_file(rules, "f", member_of("gamma")) == Forbidden(
        ("alpha", "beta"), "this path is for members of alpha or beta"
    )
    assert decide_file(rules, "f", member_of("beta", "gamma")) == for_members


def test_an_accepted_licence_is_not_asked_for_again_by_either_digest() -> None:
    rules = build_info_rules("Files-Pattern: *", *protected("T"))
    licence = Licence("T")
    assert decide_file(rules, "f", member_of(accepted=(licence.digest,))) == Allow()
    assert decide_file(rules, "f", member_of(accepted=(licence.sha256,))) == Allow()
    assert decide_file(rules, "f", member_of(accepted=(licence.digest.upper(),))) == needs("T")


def test_the_theme_names_the_licence() -> None:
    rules = build_info_rules("Files-Pattern: *", "Theme: samsung", *protected("T"))
    assert classify(FOLDER.child("f"), rules) == (Access.EULA, (Licence("T", "samsung"),))


@pytest.mark.parametrize("exact_first", [True, False])
def test_an_exact_name_beats_every_glob_wherever_it_stands(exact_first: bool) -> None:
    glob = ("Files-Pattern: *", *protected("T"))
    exact = ("Files-Pattern: MD5SUMS", *OPEN)
    rules = build_info_rules(*(exact + glob if exact_first else glob + exact))
    assert decide_file(rules, "MD5SUMS", ANONYMOUS) == Allow()
    assert decide_file(rules, "other", ANONYMOUS) == needs("T")


def test_a_pattern_with_wildcards_is_also_a_literal_name() -> None:
    rules = build_info_rules("Files-Pattern: *", *OPEN, "Files-Pattern: f[12].txt", *protected("T"))
    assert decide_file(rules, "f[12].txt", ANONYMOUS) == needs("T")


def test_a_repeated_pattern_asks_for_all_its_licences_in_file_order() -> None:
    rules = build_info_rules("Files-Pattern: a", *protected("Z"), "Files-Pattern: a", *protected("A"))
    assert decide_file(rules, "a", ANONYMOUS) == needs("Z", "A")
    assert decide_file(rules, "a", member_of(accepted=(Licence("Z").digest,))) == needs("A")


def test_one_text_in_two_blocks_is_one_licence() -> None:
    rules = build_info_rules(
        "Files-Pattern: *", *protected("T"), "Files-Pattern: *", "Theme: x", *protected("T")
    )
    assert decide_file(rules, "a", ANONYMOUS) == needs("T")


@pytest.mark.parametrize("kinds", ["op", "po", "oop", "opo", "poo"])
def test_any_protected_block_beats_every_open_one(kinds: str) -> None:
    lines: list[str] = []
    for kind in kinds:
        lines += ("Files-Pattern: *.txt", *(protected("T") if kind == "p" else OPEN))
    assert decide_file(build_info_rules(*lines), "f.txt", ANONYMOUS) == needs("T")


@pytest.mark.parametrize("second", ["*", "f"])
def test_a_block_that_names_no_licence_closes_beside_an_open_one(second: str) -> None:
    for one, other in (OPEN, ("License-Type: protected",)), (("License-Type: protected",), OPEN):
        rules = build_info_rules("Files-Pattern: *, f", *one, f"Files-Pattern: {second}, f", *other)
        assert decide_file(rules, "f", ANONYMOUS) == NO_LICENCE


@pytest.mark.parametrize("swap", [True, False])
@pytest.mark.parametrize(("one", "other"), [("*", "*.txt"), ("*.txt", "f*")])
def test_of_overlapping_globs_the_most_protective_wins_in_any_order(one: str, other: str, swap: bool) -> None:
    blocks = [(f"Files-Pattern: {one}", *protected("T")), (f"Files-Pattern: {other}", *OPEN)]
    first, second = reversed(blocks) if swap else blocks
    assert decide_file(build_info_rules(*first, *second), "f.txt", ANONYMOUS) == needs("T")


def test_licences_of_overlapping_globs_come_in_file_order() -> None:
    rules = build_info_rules(
        *("Files-Pattern: *.txt", *protected("1"), "Files-Pattern: *", *protected("2")),
        *("Files-Pattern: *.txt", *protected("3")),
    )
    assert decide_file(rules, "f.txt", ANONYMOUS) == needs("1", "2", "3")


def test_licences_of_blocks_far_apart_come_in_file_order_too() -> None:
    lines: list[str] = []
    for number in range(18):
        lines += (f"Files-Pattern: {'f*' if number % 8 == 1 else 'x'}", *protected(str(number)))
    lines += ("Files-Pattern: *", *protected("last"))
    assert decide_file(build_info_rules(*lines), "f.txt", ANONYMOUS) == needs("1", "9", "17", "last")


@pytest.mark.parametrize(
    ("pattern", "gated"),
    [("*", True), ("*.txt,", True), ("", True), ("*.txt", False), ("?", False), ("[a-z]*", False)],
)
def test_the_empty_pattern_and_the_star_protect_the_listing(pattern: str, gated: bool) -> None:
    rules = build_info_rules(f"Files-Pattern: {pattern}", "Auth-Groups: a", *OPEN)
    assert decide(FOLDER, rules, ANONYMOUS) == (NeedsLogin() if gated else Allow())
    assert decide(FOLDER, rules, member_of("a")) == Allow()
    assert classify(FOLDER, rules) == (Access.PRIVATE if gated else Access.PUBLIC, ())


@pytest.mark.parametrize("lines", [protected("T"), ("License-Type: protected",)])
def test_neither_a_licence_nor_the_lack_of_one_gates_the_listing(lines: tuple[str, ...]) -> None:
    assert decide(FOLDER, build_info_rules("Files-Pattern: *,", *lines), ANONYMOUS) == Allow()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"Files-Pattern: *\nLicense-Type: open\n",
        b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n# comment\n",
        b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\nTheme: \xff\n",
        None,
    ],
)
def test_a_malformed_file_refuses_listing_and_files_to_everybody(content: bytes | None) -> None:
    rules = folder_rules({"BUILD-INFO.txt": content, "f": b""}, default_public=True)
    for path in (FOLDER, FOLDER.child("f"), FOLDER.child("unheard-of")):
        decision = decide(path, rules, member_of("a"))
        assert isinstance(decision, Forbidden)
        assert decision.groups == ()
        assert "releases/16.09/BUILD-INFO.txt, line " in decision.reason
        assert classify(path, rules) == (Access.CLOSED, ())
    # Its sub-folders have rules of their own, and are only named from here.
    assert decide(FOLDER.child("sub", is_folder=True), rules, ANONYMOUS) == Allow()


CLOSED_BLOCKS = [
    ("Auth-Groups: ,",),
    ("License-Text: T", "\tAuth-Groups: a"),
    ("License-Text: T", "\tLicense-Type: open"),
]


@pytest.mark.parametrize("lines", CLOSED_BLOCKS)
@pytest.mark.parametrize("pattern", ["x*", "x.txt"])
def test_a_faulty_block_closes_its_files_and_no_others(pattern: str, lines: tuple[str, ...]) -> None:
    rules = build_info_rules(f"Files-Pattern: {pattern}", *lines, "Files-Pattern: y*", *OPEN)
    decision = decide_file(rules, "x.txt", member_of("a"))
    assert isinstance(decision, Forbidden)
    assert decision.groups == ()
    assert decide_file(rules, "y.txt", ANONYMOUS) == Allow()
    assert decide(FOLDER, rules, ANONYMOUS) == Allow()


@pytest.mark.parametrize("lines", CLOSED_BLOCKS)
@pytest.mark.parametrize("pattern", ["*", "x,"])
def test_a_faulty_block_for_the_listing_closes_it(pattern: str, lines: tuple[str, ...]) -> None:
    rules = build_info_rules(f"Files-Pattern: {pattern}", *lines, "Files-Pattern: *", *OPEN)
    for principal in (ANONYMOUS, member_of("a")):
        assert decide(FOLDER, rules, principal) != Allow()


def test_a_block_without_a_fault_is_beaten_by_one_with_it() -> None:
    rules = build_info_rules("Files-Pattern: *", *OPEN, "Files-Pattern: *.txt", "Auth-Groups: ,")
    assert decide_file(rules, "x.txt", ANONYMOUS) != Allow()
    assert decide_file(rules, "x.img", ANONYMOUS) == Allow()


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (("Files-Pattern: *,Auth-Groups: team", *OPEN), 2, "a pattern must have no ':'"),
        (("Files-Pattern: *", "Theme: xAuth-Groups: team", *OPEN), 3, "another field is part of this value"),
        (
            ("Files-Pattern: *", "License-Text: x", " Auth-Groups: team"),
            4,
            "another field is part of this value",
        ),
        (("Files-Pattern: *", "License-Text: x", "\tAuth-Groups: team"), 4, "begins with a space"),
        (("Files-Pattern: *", "Auth-Groups: ,", *OPEN), 3, "Auth-Groups must name a group"),
        (("Files-Pattern: *", *OPEN, "End-Of-File: no"), 4, "End-Of-File has no value"),
    ],
)
def test_explain_names_each_fault_and_its_line(lines: tuple[str, ...], line: int, said: str) -> None:
    explanation = explain(FOLDER.child("f.txt"), build_info_rules(*lines), ANONYMOUS)
    assert explanation.decision != Allow()
    assert explanation.access is Access.CLOSED
    assert explanation.sources == (Source("releases/16.09/BUILD-INFO.txt", line),)
    assert said in explanation.reasons[0]


def test_explain_names_the_blocks_and_points_out_overlapping_globs() -> None:
    rules = build_info_rules("Files-Pattern: *", *protected("T"), "Files-Pattern: *.txt, *t", *OPEN)
    explanation = explain(FOLDER.child("f.txt"), rules, ANONYMOUS)
    name = "releases/16.09/BUILD-INFO.txt"
    assert explanation.decision == needs("T")
    assert explanation.sources == (Source(name, 2), Source(name, 5))
    assert explanation.reasons[0].startswith(f"{name}, line 2: Files-Pattern '*': behind the licence (")
    assert explanation.reasons[-1] == (
        "several patterns match this file ('*', '*.txt', '*t'): all of their blocks count"
    )


@pytest.mark.parametrize("name", ["g.img", "exact.txt"])
def test_explain_is_silent_where_one_block_decides(name: str) -> None:
    rules = build_info_rules("Files-Pattern: *, *.img", *OPEN, "Files-Pattern: exact.txt", *OPEN)
    assert not any(
        "several patterns" in reason for reason in explain(FOLDER.child(name), rules, ANONYMOUS).reasons
    )


def test_explain_tells_what_is_malformed() -> None:
    rules = folder_rules({"BUILD-INFO.txt": b"Format-Version: 1\nnonsense\n"})
    explanation = explain(FOLDER.child("f"), rules, ANONYMOUS)
    assert explanation.sources == (Source("releases/16.09/BUILD-INFO.txt", 2),)
    assert "malformed: a line must be 'Field: value'" in explanation.reasons[0]


def test_a_file_that_is_not_covered_is_explained() -> None:
    explanation = explain(FOLDER.child("f"), build_info_rules("Files-Pattern: x", *OPEN), ANONYMOUS)
    assert (explanation.decision, explanation.access) == (NOT_COVERED, Access.CLOSED)
    assert explanation.reasons == ("releases/16.09/BUILD-INFO.txt: no Files-Pattern covers this file",)
