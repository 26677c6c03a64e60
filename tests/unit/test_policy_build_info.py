"""The text of BUILD-INFO.txt: what is read, to the byte, and what is malformed, to the line."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.access import Licence
from app.domain.errors import MalformedRules
from app.policy.build_info import (
    MAX_WILD_CHARACTERS,
    MAX_WILD_PATTERNS,
    Block,
    BuildInfo,
    parse_build_info,
)
from app.policy.name_patterns import MAX_PATTERN_BYTES

HEAD = "Format-Version: 0.5\n"


def parse(text: str | bytes) -> BuildInfo:
    return parse_build_info(text.encode() if isinstance(text, str) else text, "BUILD-INFO.txt")


def only_block(text: str) -> Block:
    (block,) = parse(text).blocks
    return block


def fault(content: str | bytes) -> tuple[int, str]:
    with pytest.raises(MalformedRules) as caught:
        parse(content)
    assert caught.value.source == "BUILD-INFO.txt"
    return caught.value.line, caught.value.reason


def test_every_field_of_a_block() -> None:
    text = (
        "Format-Version: 0.5\n"
        "\n"
        "Files-Pattern: *.img, MD5SUMS\n"
        "Build-Name: landing-snowball\n"
        "Theme: stericsson\n"
        "License-Type: protected\n"
        "Auth-Groups: alpha, beta\n"
        "Collect-User-Data: yes\n"
        "License-Text: <p>first: line\n"
        " second\n"
    )
    assert parse(text) == BuildInfo(
        "0.5",
        (
            Block(
                patterns=("*.img", "MD5SUMS"),
                line=3,
                licence_type="protected",
                licence_text="<p>first: line\nsecond",
                theme="stericsson",
                auth_groups=("alpha", "beta"),
                build_name="landing-snowball",
                collect_user_data="yes",
            ),
        ),
    )


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3", "0.4", "0.5", "2.0", ""])
def test_any_format_version_is_read_alike(version: str) -> None:
    info = parse(f"\n  \nFormat-Version: {version}\nFiles-Pattern: *\nLicense-Type: open\n")
    assert info.format_version == version
    assert info.blocks == (Block(("*",), 4, "open"),)


def test_field_names_and_licence_types_in_any_case() -> None:
    block = only_block("FORMAT-version: 0.1\nfiles-PATTERN: a\nlicense-type: Open\nTHEME: Linaro\n")
    assert (block.licence_type, block.theme) == ("open", "Linaro")


def test_a_field_is_split_at_its_first_colon_and_stripped() -> None:
    assert only_block(HEAD + "Files-Pattern: a\nTheme  :  b:c  \n").theme == "b:c"


def test_field_lines_may_be_indented_outside_a_licence_text() -> None:
    block = only_block(HEAD + " Files-Pattern: a\n\tLicense-Type: open\n   Theme: linaro\n")
    assert block == Block(("a",), 2, "open", theme="linaro")


def test_launchpad_teams_are_auth_groups_of_old() -> None:
    assert only_block(HEAD + "Files-Pattern: a\nOpenID-Launchpad-Teams: x , y\n").auth_groups == ("x", "y")


def test_empty_auth_groups_are_none() -> None:
    assert only_block(HEAD + "Files-Pattern: a\nAuth-Groups:\n").auth_groups == ()


def test_a_trailing_comma_makes_the_empty_pattern() -> None:
    assert only_block(HEAD + "Files-Pattern: *.txt,\nLicense-Type: open").patterns == ("*.txt", "")


def test_every_files_pattern_begins_a_block() -> None:
    text = HEAD + "Files-Pattern: a\nLicense-Type: open\nFiles-Pattern: a\nLicense-Type: protected\n"
    assert [(b.patterns, b.line, b.licence_type) for b in parse(text).blocks] == [
        (("a",), 2, "open"),
        (("a",), 4, "protected"),
    ]


def test_known_fields_before_the_first_files_pattern_are_ignored() -> None:
    header = "License-Type: nonsense\nBuild-Name: x\nBuild-Name: y\nLicense-Text: a\n b\nFormat-Version: 1\n"
    assert parse(HEAD + header + "Files-Pattern: f\n").blocks == (Block(("f",), 8),)


def test_only_a_format_version_is_a_file_that_covers_nothing() -> None:
    assert parse(HEAD) == BuildInfo("0.5", ())


def test_a_pattern_named_like_a_field() -> None:
    assert only_block(HEAD + "Files-Pattern: format-version\nLicense-Type: open").patterns == (
        "format-version",
    )


def test_a_byte_order_mark_is_accepted() -> None:
    assert parse("\ufeff" + HEAD + "Files-Pattern: f\n").blocks == (Block(("f",), 2),)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("first\n second\n  third indented\n\n after blank\n", "first\nsecond\n third indented\nafter blank"),
        ("first\n second  \n", "first\nsecond  "),
        ("  first  \n", "first"),
        ("\n only continued\n", "\nonly continued"),
        ("a\n \n \t \n b\n", "a\nb"),
        ("a\n Theme: not a field\n # nor a comment\n", "a\nTheme: not a field\n# nor a comment"),
        ("a\n line\u2028separator \x0b and \x0c feed\n", "a\nline\u2028separator \x0b and \x0c feed"),
        ("", ""),
    ],
)
def test_licence_text_to_the_character(lines: str, text: str) -> None:
    assert only_block(HEAD + "Files-Pattern: a\nLicense-Text: " + lines).licence_text == text


def test_a_field_may_follow_a_licence_text() -> None:
    block = only_block(HEAD + "Files-Pattern: a\nLicense-Text: t\n u\nTheme: samsung\n")
    assert (block.licence_text, block.theme) == ("t\nu", "samsung")


def test_the_carriage_returns_of_a_dos_file_stay_in_continuation_lines() -> None:
    block = only_block("Format-Version: 0.5\r\nFiles-Pattern: *\r\nLicense-Text: line one\r\n line two\r\n")
    assert block.patterns == ("*",)
    assert block.licence_text == "line one\nline two\r"
    assert Licence(block.licence_text).digest == "29a98637b8ece07fdd722f2444e93047"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", 1, "first line must be"),
        (b"\n \r\n\t\n", 1, "first line must be"),
        (b"\n\nFiles-Pattern: *\n", 3, "first line must be"),
        (HEAD + "# a comment\n", 2, "no comments"),
        (HEAD + "Files-Pattern: *\n\nLicence-Type: open\n", 4, "unknown field"),
        (HEAD + "Files-Pattern: *\nLicense-Type open\n", 3, "'Field: value'"),
        (HEAD + "Files-Pattern: *\n continued\n", 3, "'Field: value'"),
        (HEAD + "Files-Pattern: *\nTheme: a\n b\n", 4, "'Field: value'"),
        (HEAD + "Files-Pattern: *\nLicense-Text: a\n b\n\tc\n", 5, "'Field: value'"),
        (HEAD + "Files-Pattern: *\nLicense-Text: a\n b\n\tc: d\n", 5, "unknown field"),
        (HEAD + "Files-Pattern: *\nLicense-Text: a\n\tFiles-Pattern: b\n", 4, "begins with a space"),
        (HEAD + "Files-Pattern: *\nTheme: a\nTheme: a\n", 4, "already on line 3"),
        (HEAD + "Files-Pattern: *\nLicense-Type: protected\nlicense-type: open\n", 4, "already on line 3"),
        (HEAD + "Files-Pattern: *\nAuth-Groups: a\nOpenID-Launchpad-Teams: b\n", 4, "already on line 3"),
        (HEAD + "Files-Pattern: *\nLicense-Type: opened\n", 3, "open or protected"),
        (HEAD + "Files-Pattern: *\nLicense-Type:\n", 3, "open or protected"),
        (HEAD + "End-Of-File:\nFiles-Pattern: *\n", 2, "End-Of-File must be the last line"),
        (HEAD + "Files-Pattern: *\nEnd-Of-File: yes\n", 3, "End-Of-File has no value"),
        ("Format-Version: 0.6\n", 1, "cut off"),
        ("Format-Version: 0.6\nFiles-Pattern: *\nLicense-Type: open\n", 3, "cut off"),
        (HEAD.encode() + b"Files-Pattern: *\nLicense-Text: caf\xe9\n", 3, "UTF-8"),
        (b"\xff\xfeF\0o\0", 1, "UTF-8"),
        (HEAD + "Files-Pattern: " + "x" * MAX_PATTERN_BYTES + "*\n", 2, "at most 255 bytes"),
        (HEAD + "Files-Pattern: " + "\u00fc" * 128 + "*\n", 2, "at most 255 bytes"),
        (HEAD + f"Files-Pattern: {'x' * 99}*\n" * (MAX_WILD_CHARACTERS // 100 + 1), 22, "together"),
        (HEAD + "Files-Pattern: a*\n" * (MAX_WILD_PATTERNS + 1), MAX_WILD_PATTERNS + 2, "at most"),
    ],
)
def test_malformed_with_the_line_of_the_first_fault(content: str | bytes, line: int, said: str) -> None:
    where, reason = fault(content)
    assert where == line
    assert said in reason


def test_the_faulty_line_is_not_quoted() -> None:
    # The text may reach people who may not read the file.
    _, reason = fault(HEAD + "Files-Pattern: *\nsecret-group\n")
    assert "secret-group" not in reason


def test_exact_names_have_no_limit() -> None:
    names = ", ".join(f"file-{n}.img" for n in range(20_000))
    assert len(only_block(HEAD + f"Files-Pattern: {names}\n").patterns) == 20_000


@pytest.mark.parametrize(
    "content",
    [
        HEAD + "Files-Pattern: *\nLicense-Text: x\n" + " y\n" * 300_000,
        HEAD + "License-Type: open\n" * 50_000,
        HEAD + "\n" * 1_000_000,
        HEAD + "Files-Pattern: a\n" * 60_000,
        HEAD + "Files-Pattern: *\nAuth-Groups: " + "a," * 500_000,
    ],
    ids=["continuations", "header", "blank", "blocks", "groups"],
)
def test_the_largest_file_is_read_in_no_time(content: str) -> None:
    # Work that grew with the square of the size would need minutes here.
    started = time.process_time()
    parse(content)
    assert time.process_time() - started < 10


LINES = st.sampled_from(
    [
        "Format-Version: 0.5",
        "Files-Pattern: *, a?,",
        "files-pattern: [x",
        "License-Type: open",
        "License-Type: maybe",
        "License-Text: text",
        " continued",
        "\tcontinued",
        "Auth-Groups: a, b",
        "",
        "  ",
        "no colon",
        "Unknown: x",
    ]
)


@given(
    st.one_of(
        st.binary(), st.lists(LINES).map(lambda lines: "\n".join(["Format-Version: 1", *lines]).encode())
    )
)
@example(b"\r")
@example(b"Format-Version: 0\n\x00: \n")
def test_any_bytes_are_read_or_malformed_on_a_line_of_the_file(content: bytes) -> None:
    try:
        lines = [block.line for block in parse(content).blocks]
    except MalformedRules as exc:
        lines = [exc.line]
    assert lines == sorted(lines)
    assert all(1 <= line <= content.count(b"\n") + 1 for line in lines)


TEXT_LINE = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"])).filter(
    lambda line: line.strip(" \t\r\x0b\x0c") != ""
)


@given(st.lists(TEXT_LINE, min_size=1))
def test_what_is_written_as_continuation_comes_back_as_it_was(lines: list[str]) -> None:
    text = HEAD + "Files-Pattern: a\nLicense-Text: first\n" + "".join(f" {line}\n" for line in lines)
    assert only_block(text).licence_text == "\n".join(["first", *lines])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Auth-Groups: ,", "Auth-Groups must name a group or be empty"),
        ("License-Text: a\n\tLicense-Type: open", "a line that continues License-Text begins with a space"),
        ("License-Text: a\n\tAuth-Groups: a", "a line that continues License-Text begins with a space"),
    ],
)
def test_a_fault_of_one_block_closes_that_block(line: str, reason: str) -> None:
    other = "Files-Pattern: b\nLicense-Type: open\n"
    text = HEAD + other + f"Files-Pattern: a\n{line}\n" + other
    before, closed, after = parse(text).blocks
    assert before.fault is after.fault is None
    assert closed.fault is not None
    assert closed.fault.line == 4 + line.count("\n") + 1
    assert closed.fault.reason.startswith(reason)


VALUES = {
    "Format-Version": "0.5",
    "Files-Pattern": "*",
    "License-Type": "open",
    "License-Text": "a text",
    "Theme": "linaro",
    "Auth-Groups": "staff",
    "OpenID-Launchpad-Teams": "staff",
    "Build-Name": "x",
    "Collect-User-Data": "yes",
}
PROTECTING = ["Files-Pattern", "License-Type", "License-Text", "Auth-Groups", "OpenID-Launchpad-Teams"]


@pytest.mark.parametrize("lost", PROTECTING)
@pytest.mark.parametrize("between", ["", " ", ",", "\r", "\n "])
def test_no_field_swallows_one_that_protects(between: str, lost: str) -> None:
    for before, value in VALUES.items():
        text = f"{before}: {value}{between}{lost}: {VALUES[lost]}\n"
        if before != "Format-Version":
            text = f"{HEAD}Files-Pattern: a\n{text}"
        try:
            info = parse(text)
        except MalformedRules:
            continue
        # Only where white space in front of a field is allowed, and it was read as the field that it is.
        assert between == "\n ", before
        assert before != "License-Text"
        assert len(info.blocks) == text.count("Files-Pattern:"), before


ENDED = (
    "Format-Version: 0.6\n\nFiles-Pattern: *\nLicense-Type: open\n\n"
    "Files-Pattern: *.img,\nLicense-Text: a\n b\nAuth-Groups: staff\n\nEnd-Of-File:\n"
)


def test_a_file_with_an_end_is_read_whole() -> None:
    assert len(parse(ENDED).blocks) == 2
    assert parse(ENDED.rstrip("\n")) == parse(ENDED + " \n\n") == parse(ENDED)


def test_a_file_with_an_end_opens_nothing_once_it_is_cut_off() -> None:
    for length in range(len(ENDED.rstrip("\n"))):
        try:
            info = parse(ENDED[:length])
        except MalformedRules:
            continue
        assert length < len("Format-Version: 0.6")
        assert info.blocks == ()


def test_an_end_may_stand_in_a_file_that_need_not_have_one() -> None:
    assert parse(HEAD + "Files-Pattern: a\nEnd-Of-File:\n").blocks == (Block(("a",), 2),)
