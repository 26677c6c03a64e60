"""The site policy file: what it says, which rule wins, and that every fault is named with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.access import Access, Licence, Source, Visibility
from app.domain.paths import ROOT, ArtifactPath
from app.policy.globs import PathGlob
from app.policy.site_policy import SitePolicy, SiteRule
from app.policy.site_policy_file import SitePolicyError, parse_site_policy
from tests.support.policy import site_policy

EXAMPLE = """
private_entries = "listed"

[[rule]]
path = "/hwpacks/"
tier = "public"
override = true

[[rule]]
path = "origen/**/*.img"
tier = "eula"
licence_file = "licences/samsung.txt"
licence_name = "samsung"

[[rule]]
path = "members"
tier = "private"
groups = ["b", "a"]

[[rule]]
path = "members/secret"
tier = "private"
groups = ["a"]
visibility = "hidden"
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SitePolicyError) as caught:
        site_policy(text)
    assert str(caught.value).splitlines() == [str(fault) for fault in caught.value.faults]
    return [str(fault).removeprefix("policy.toml, line ") for fault in caught.value.faults]


def rule(path: str, tier: str = "public") -> str:
    more = {"eula": 'licence_text = "T"', "private": 'groups = ["g"]'}.get(tier, "")
    return f'[[rule]]\npath = "{path}"\ntier = "{tier}"\n{more}\n'


def test_every_kind_of_rule() -> None:
    policy = site_policy(EXAMPLE)
    assert policy.private_entries is Visibility.LISTED
    by_line = {rule.source.line: rule for rule in policy.rules}
    listed = Visibility.LISTED
    assert by_line == {
        4: SiteRule(
            PathGlob.parse("hwpacks"),
            Access.PUBLIC,
            Source("policy.toml", 4),
            visibility=listed,
            override=True,
        ),
        9: SiteRule(
            PathGlob.parse("origen/**/*.img"),
            Access.EULA,
            Source("policy.toml", 9),
            Licence("text of licences/samsung.txt", "samsung"),
            visibility=listed,
        ),
        15: SiteRule(
            PathGlob.parse("members"),
            Access.PRIVATE,
            Source("policy.toml", 15),
            groups=("b", "a"),
            visibility=listed,
        ),
        20: SiteRule(
            PathGlob.parse("members/secret"),
            Access.PRIVATE,
            Source("policy.toml", 20),
            groups=("a",),
            visibility=Visibility.HIDDEN,
        ),
    }


def test_nothing_is_a_policy_without_rules() -> None:
    assert site_policy("") == site_policy("# nothing\n") == SitePolicy()
    assert SitePolicy().private_entries is Visibility.UNLISTED


def test_a_byte_order_mark_is_accepted() -> None:
    assert len(site_policy("\ufeff" + EXAMPLE).rules) == 4


def test_a_licence_text_counts_to_the_byte() -> None:
    policy = site_policy('[[rule]]\npath = "a"\ntier = "eula"\nlicence_text = """\none\n two\n"""\n')
    assert policy.rules[0].licence == Licence("one\n two\n", "licence")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/hwpacks/f", 4),
        ("/hwpacks2/f", None),
        ("/", None),
        ("/origen/x/y.img", 9),
        ("/origen/y.txt", None),
        ("/members/", 15),
        ("/members/a/b", 15),
        ("/members/secret/", 20),
        ("/members/secret/x/y.img", 20),
    ],
)
def test_the_most_specific_rule_governs(path: str, line: int | None) -> None:
    rules_and_link = site_policy(EXAMPLE).rule_for(ArtifactPath.from_text(path))
    assert (rules_and_link.source.line if rules_and_link else None) == line


def test_of_equally_specific_rules_the_most_protective_wins_then_the_first() -> None:
    policy = site_policy(
        rule("a/?[ab]") + rule("a/[xy]?", "eula") + rule("a/[xz]?", "private") + rule("a/[x]?", "private")
    )
    path = ArtifactPath.from_text("/a/xb")
    order = [r.glob.text for r in policy.rules]
    assert order == ["a/[xz]?", "a/[x]?", "a/[xy]?", "a/?[ab]"]
    assert policy.rule_for(path) is policy.rules[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('privat_entries = "listed"', ["1: unknown key 'privat_entries'; did you mean 'private_entries'? "]),
        ("\nqqq = 1", ["2: unknown key 'qqq'; allowed are private_entries, rule"]),
        (
            'private_entries = "shown"',
            ["1: private_entries must be one of unlisted, listed, hidden, but got 'shown'"],
        ),
        (
            "private_entries = true",
            ["1: private_entries must be one of unlisted, listed, hidden, but got True"],
        ),
        ('rule = "x"', ["1: each rule must be a table that begins with [[rule]]"]),
        ('[rule]\npath = "a"', ["1: each rule must be a table that begins with [[rule]]"]),
        ("rule = [1]", ["1: each rule must be a table that begins with [[rule]]"]),
        ("[[rule]]", ["1: a rule must have a path", "1: a rule must have a tier"]),
        (
            rule("a") + 'grups = ["x"]',
            ["5: unknown key 'grups'; did you mean 'groups'? allowed are path, tier,"],
        ),
        (
            rule("a", "eula") + 'license_text = "x"',
            ["5: unknown key 'license_text'; did you mean 'licence_text'?"],
        ),
        (rule("a") + "[rule.sub]\nx = 1", ["5: unknown key 'sub'; "]),
        (rule("a", "secret"), ["3: tier must be one of public, eula, private, but got 'secret'"]),
        (rule("a", "closed"), ["3: tier must be one of public, eula, private, but got 'closed'"]),
        ('[[rule]]\npath = 1\ntier = ["public"]', ["2: path must be a text", "3: tier must be one of"]),
        ('[[rule]]\npath = ""\ntier = "public"', ["2: path must be a text that is not blank, but got ''"]),
        (rule("a//b"), ["2: a path glob has no empty segment"]),
        (rule("a/../b"), ["2: a path glob has no '.' or '..' segment"]),
        (rule("a") + rule("b") + rule("/a/**"), ["10: the path '/a/**' has a rule already, on line 2"]),
        (
            rule("a") + 'groups = ["g"]',
            ["5: groups is for a rule whose tier is private, but this one's is public"],
        ),
        (rule("a") + 'visibility = "listed"', ["5: visibility is for a rule whose tier is private, "]),
        (
            rule("a", "eula") + 'visibility = "listed"',
            ["5: visibility is for a rule whose tier is private, "],
        ),
        (rule("a", "private") + 'licence_text = "T"', ["5: licence_text is for a rule whose tier is eula, "]),
        (rule("a") + 'licence_name = "N"', ["5: licence_name is for a rule whose tier is eula, "]),
        (
            rule("a", "private") + 'visibility = "none"',
            ["5: visibility must be one of unlisted, listed, hidden"],
        ),
        (rule("a") + 'override = "true"', ["5: override must be true or false, but got 'true'"]),
        (rule("a") + "override = 1", ["5: override must be true or false, but got 1"]),
        ('[[rule]]\npath = "a"\ntier = "private"', ["1: a private rule must have groups"]),
        (
            '[[rule]]\npath = "a"\ntier = "private"\ngroups = []',
            ["4: groups must be a list of at least one group"],
        ),
        (
            '[[rule]]\npath = "a"\ntier = "private"\ngroups = "g"',
            ["4: groups must be a list of at least one group"],
        ),
        (
            '[[rule]]\npath = "a"\ntier = "private"\ngroups = [1]',
            ["4: groups must be a list of at least one group"],
        ),
        (
            '[[rule]]\npath = "a"\ntier = "private"\ngroups = [" "]',
            ["4: groups must be a list of at least one group"],
        ),
        (
            '[[rule]]\npath = "a"\ntier = "eula"',
            ["1: a eula rule must have either licence_text or licence_file"],
        ),
        (
            rule("a", "eula") + 'licence_file = "x"',
            ["1: a eula rule must have either licence_text or licence_file"],
        ),
        (
            '[[rule]]\npath = "a"\ntier = "eula"\nlicence_text = " "',
            ["4: licence_text must be a text that is not blank"],
        ),
        ('path = "a"\n[[rule]]\npath = "b"\ntier = "public"', ["1: unknown key 'path'; allowed are"]),
        ("a = 1\nb = = 2", ["2: not valid TOML: "]),
        ("a = [", ["1: not valid TOML: "]),
        ('a = 1\nb = """\n\n', ["4: not valid TOML: "]),
        ("a = 1\na = 2", ["2: not valid TOML: "]),
        ("a = " + "9" * 5000, ["1: not valid TOML: "]),
        ("a = " + "[" * 100_000, ["1: not valid TOML: "]),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_is_allowed(text: str, expected: list[str]) -> None:
    found = faults(text)
    assert len(found) == len(expected)
    for actual, start in zip(found, expected, strict=True):
        assert actual.startswith(start)


def test_all_faults_are_named_at_once_in_line_order() -> None:
    text = (
        'private_entry = "listed"\n'
        '[[rule]]\npath = "a"\ntier = "pubic"\nlicense_text = """\n[[rule]]\n"""\n'
        '[[rule]]\npath = "**x"\ntier = "private"\noverride = 0\n'
    )
    assert [line.split(":")[0] for line in faults(text)] == ["1", "4", "5", "8", "9", "11"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory"), "cannot be read: No such file or directory"),
        (OSError("odd"), "cannot be read: "),
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            "cannot be read: it must be a UTF-8 text",
        ),
        (None, "is blank"),
    ],
)
def test_a_licence_file_that_cannot_be_used_is_a_fault(error: Exception | None, said: str) -> None:
    def read_text(name: str) -> str:
        assert name == "x.txt"
        if error:
            raise error
        return " \n"

    text = '[[rule]]\npath = "a"\ntier = "eula"\nlicence_file = "x.txt"\n'
    with pytest.raises(SitePolicyError) as caught:
        parse_site_policy(text, source="policy.toml", read_text=read_text, read_bytes=str.encode)
    (fault,) = caught.value.faults
    assert fault.line == 4
    assert said in fault.reason


@given(st.text(st.sampled_from("[]{}\"'=#\n\\ru.le1,")))
def test_any_text_is_a_policy_or_an_error_with_lines_of_the_file(text: str) -> None:
    try:
        site_policy(text)
    except SitePolicyError as exc:
        lines = [fault.line for fault in exc.faults]
    else:
        lines = [1]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


SEGMENTS = st.lists(st.sampled_from(["a", "b", "*", "a*", "**"]), min_size=1, max_size=4)
NAMES = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=3)


@given(st.lists(st.tuples(SEGMENTS, st.sampled_from(["public", "eula", "private"])), max_size=6), NAMES)
def test_the_part_for_one_folder_finds_the_same_rules(
    globs: list[tuple[list[str], str]], names: list[str]
) -> None:
    tiers = {PathGlob.parse("/".join(parts)): Access(tier) for parts, tier in globs}
    policy = SitePolicy(
        tuple(SiteRule(glob, tier, Source("p", n)) for n, (glob, tier) in enumerate(tiers.items()))
    )
    folder = ArtifactPath.of(*names, is_folder=True)
    part = policy.within(folder)
    assert part.own == policy.rule_for(folder)
    for name in ("a", "b", "ab", "c"):
        assert part.rule_for_child(name) == policy.rule_for(folder.child(name))


def test_the_part_for_one_folder_names_the_groups_that_matter_there() -> None:
    policy = site_policy(
        '[[rule]]\npath = "/"\ntier = "private"\ngroups = ["all"]\n'
        '[[rule]]\npath = "a/b"\ntier = "private"\ngroups = ["below"]\n'
        '[[rule]]\npath = "a/*.img"\ntier = "private"\ngroups = ["images"]\n'
        '[[rule]]\npath = "a/b/c"\ntier = "private"\ngroups = ["deep"]\n'
    )
    assert policy.within(ROOT).groups == {"all"}
    assert policy.within(ArtifactPath.from_text("a/")).groups == {"all", "below", "images"}
    assert policy.within(ArtifactPath.from_text("a/b/")).groups == {"below", "deep"}


def test_every_fault_of_a_serve_table_is_named() -> None:
    text = """[[serve]]
delivery = "mail"
content_type = "text"
index = ["a/b"]
html = true
color = "red"

[[serve]]
path = "a"
[[serve]]
path = "a"
"""
    assert [fault.partition(":")[0] for fault in faults(text)] == ["1", "2", "3", "4", "5", "6", "11"]


def test_each_option_is_that_of_the_most_specific_table_that_has_it() -> None:
    policy = site_policy(
        '[[serve]]\npath = "a/b"\nhtml = "render"\n'
        '[[serve]]\npath = "/"\nhtml = "attachment"\ndelivery = "proxy"\n'
    )
    options = policy.serving.options_for(ArtifactPath.of("a", "b", "f"))
    assert (options.html, options.delivery, options.index) == ("render", "proxy", None)
    assert policy.serving.options_for(ROOT).html == "attachment"
