"""The examples of docs/access.md do what the text beside them says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.domain.access import ANONYMOUS, Access, Allow, Hidden, NeedsLogin
from app.domain.paths import ArtifactPath
from app.policy.build_info import MAX_WILD_CHARACTERS, MAX_WILD_PATTERNS
from app.policy.decide import classify, decide, rules_without_control_files
from app.policy.licence_look_file import LOOK_KEYS
from app.policy.name_patterns import MAX_PATTERN_BYTES
from app.policy.serving_file import SERVE_KEYS
from app.policy.site_policy_file import RULE_KEYS
from tests.support.policy import FOLDER, folder_rules, member_of, site_policy

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text("utf-8")


def example(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("name", "access", "licences"),
    [
        ("boot.img", Access.EULA, 1),
        ("MD5SUMS", Access.PUBLIC, 0),
        ("notes.txt", Access.PUBLIC, 0),
        ("debug-boot.img", Access.PRIVATE, 1),
        ("boot.elf", Access.CLOSED, 0),
    ],
)
def test_the_build_info(name: str, access: Access, licences: int) -> None:
    assert f"`{name}`" in PAGE
    rules = folder_rules({"BUILD-INFO.txt": example("build-info").encode()})
    found, texts = classify(FOLDER.child(name), rules)
    assert (found, len(texts)) == (access, licences)
    assert all(licence.text.endswith("text.\n This one keeps one space of its own.") for licence in texts)


def test_the_build_info_that_protects_the_listing() -> None:
    rules = folder_rules(
        {"BUILD-INFO.txt": b"Format-Version: 0.5\n" + example("build-info-of-listing").encode()}
    )
    assert decide(FOLDER, rules, ANONYMOUS) == NeedsLogin()
    assert decide(FOLDER, rules, member_of("release-team")) == Allow()


def test_the_build_info_with_an_end() -> None:
    whole = example("build-info-with-an-end").encode()
    cut = whole[: whole.index(b"Files-Pattern: debug")]
    for content, debug, other in (
        (whole, Access.PRIVATE, Access.PUBLIC),
        (cut, Access.CLOSED, Access.CLOSED),
        (cut.replace(b"0.6", b"0.5"), Access.PUBLIC, Access.PUBLIC),
    ):
        rules = folder_rules({"BUILD-INFO.txt": content})
        found = [classify(FOLDER.child(name), rules)[0] for name in ("debug-boot.img", "boot.img")]
        assert found == [debug, other]


@pytest.mark.parametrize(
    ("path", "access", "decision"),
    [
        ("/hwpacks/x", Access.PUBLIC, Allow()),
        ("/releases/2026.03/origen/x.img", Access.EULA, None),
        ("/members/x", Access.PRIVATE, NeedsLogin()),
        ("/members/unannounced/x", Access.PRIVATE, Hidden()),
    ],
)
def test_the_site_policy(path: str, access: Access, decision: object) -> None:
    asked = ArtifactPath.from_text(path)
    rules = rules_without_control_files(asked.parent, site=site_policy(example("toml")), default_public=False)
    assert classify(asked, rules)[0] is access
    assert decision is None or decide(asked, rules, ANONYMOUS) == decision


def test_every_key_of_a_rule_is_in_the_table() -> None:
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    documented = {key for row in rows for key in re.findall("`([a-z_]+)`", row)}
    assert RULE_KEYS.keys() | {*SERVE_KEYS, *LOOK_KEYS} <= documented


def test_the_limits() -> None:
    words = " ".join(PAGE.split())
    limits = f"{MAX_WILD_PATTERNS} patterns with wildcards, of up to {MAX_PATTERN_BYTES} bytes each"
    assert f"up to {limits} and {MAX_WILD_CHARACTERS:,} characters together" in words
