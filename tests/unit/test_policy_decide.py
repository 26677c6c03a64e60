"""Control files, site policy, default and principal, put together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.access import (
    ANONYMOUS,
    Access,
    Allow,
    Decision,
    FileLink,
    Forbidden,
    Hidden,
    Licence,
    NeedsLicence,
    NeedsLogin,
    PathScope,
    Principal,
    Source,
    VisibleEntry,
)
from app.domain.entries import ControlFile, Entry, File, Folder, locked
from app.domain.paths import ROOT, ArtifactPath
from app.policy.decide import (
    Rules,
    classify,
    compose,
    decide,
    explain,
    rules_without_control_files,
    visible_entry,
)
from app.policy.rules import Hop
from app.policy.site_policy_file import SitePolicy
from app.policy.tier import Tier, tier_of
from tests.support.policy import (
    DEFAULTS,
    FOLDER,
    build_info,
    build_info_rules,
    decide_file,
    folder_rules,
    member_of,
    site_policy,
)

PUBLIC = '[[rule]]\npath = "releases"\ntier = "public"\n'
EULA = '[[rule]]\npath = "releases"\ntier = "eula"\nlicence_text = "site"\nlicence_name = "S"\n'
PRIVATE = '[[rule]]\npath = "releases"\ntier = "private"\ngroups = ["staff", "board"]\n'
OVERRIDE = "override = true\n"
LISTED = 'visibility = "listed"\n'
HIDDEN = 'visibility = "hidden"\n'

OPEN_BLOCK = ("Files-Pattern: *", "License-Type: open")
EULA_BLOCK = ("Files-Pattern: *", "License-Type: protected", "License-Text: own")
GROUP_BLOCK = ("Files-Pattern: *,", "License-Type: open", "Auth-Groups: authors")
OTHER_BLOCK = ("Files-Pattern: other", "License-Type: open")
MALFORMED = ("nonsense",)

SITE_LICENCE = Licence("site", "S")
OWN_LICENCE = Licence("own")
CLOSED = Forbidden((), "no rule opens this file")
NOT_COVERED = Forbidden((), "the access rules of this folder do not cover this file")
NOT_UNDERSTOOD = Forbidden(
    (), "the access rules of this folder cannot be parsed (releases/16.09/BUILD-INFO.txt, line 2)"
)
NOT_STAFF = Forbidden(("board", "staff"), "this path is for members of board or staff")

TRUSTED = Principal(trusted=True)
OUTSIDER = member_of("others")


def file(name: str = "f") -> File:
    return File(name, 1, 0.0)


def see(rules: Rules, entry: Entry, principal: Principal) -> VisibleEntry | None:
    return visible_entry(rules.folder, entry, rules, principal)


@pytest.mark.parametrize(
    ("default_public", "decision", "access"), [(True, Allow(), Access.PUBLIC), (False, CLOSED, Access.CLOSED)]
)
def test_where_nothing_governs_the_default_decides_about_files_and_folders_list(
    default_public: bool, decision: Decision, access: Access
) -> None:
    rules = folder_rules({"f": b""}, default_public=default_public)
    assert decide_file(rules, "f", ANONYMOUS) == decision
    assert decide(FOLDER, rules, ANONYMOUS) == Allow()
    assert decide(FOLDER.child("sub", is_folder=True), rules, ANONYMOUS) == Allow()
    assert see(rules, file(), ANONYMOUS) == VisibleEntry(
        FOLDER.child("f"), file(), access, is_open=isinstance(decision, Allow)
    )
    assert explain(FOLDER.child("f"), rules, ANONYMOUS).sources == (Source("DEFAULT_TIER"),)


@pytest.mark.parametrize(
    ("site", "block", "for_anybody", "for_staff"),
    [
        (PUBLIC, (), Allow(), Allow()),
        (PUBLIC, OPEN_BLOCK, Allow(), Allow()),
        (PUBLIC, EULA_BLOCK, NeedsLicence((OWN_LICENCE,)), NeedsLicence((OWN_LICENCE,))),
        (PUBLIC, GROUP_BLOCK, NeedsLogin(), Forbidden(("authors",), "this path is for members of authors")),
        (PUBLIC, OTHER_BLOCK, NOT_COVERED, NOT_COVERED),
        (PUBLIC, MALFORMED, NOT_UNDERSTOOD, NOT_UNDERSTOOD),
        (EULA, (), NeedsLicence((SITE_LICENCE,)), NeedsLicence((SITE_LICENCE,))),
        (EULA, OPEN_BLOCK, NeedsLicence((SITE_LICENCE,)), NeedsLicence((SITE_LICENCE,))),
        (
            EULA,
            EULA_BLOCK,
            NeedsLicence((SITE_LICENCE, OWN_LICENCE)),
            NeedsLicence((SITE_LICENCE, OWN_LICENCE)),
        ),
        (EULA, OTHER_BLOCK, NOT_COVERED, NOT_COVERED),
        (EULA, MALFORMED, NOT_UNDERSTOOD, NOT_UNDERSTOOD),
        (PRIVATE, (), NeedsLogin(), Allow()),
        (PRIVATE, OPEN_BLOCK, NeedsLogin(), Allow()),
        (PRIVATE, EULA_BLOCK, NeedsLogin(), NeedsLicence((OWN_LICENCE,))),
        (PRIVATE, GROUP_BLOCK, NeedsLogin(), Forbidden(("authors",), "this path is for members of authors")),
        (PRIVATE, OTHER_BLOCK, NeedsLogin(), NOT_COVERED),
        (PRIVATE, MALFORMED, NeedsLogin(), NOT_UNDERSTOOD),
        (PUBLIC + OVERRIDE, EULA_BLOCK, Allow(), Allow()),
        (PUBLIC + OVERRIDE, GROUP_BLOCK, Allow(), Allow()),
        (PUBLIC + OVERRIDE, OTHER_BLOCK, Allow(), Allow()),
        (PUBLIC + OVERRIDE, MALFORMED, Allow(), Allow()),
        (EULA + OVERRIDE, EULA_BLOCK, NeedsLicence((SITE_LICENCE,)), NeedsLicence((SITE_LICENCE,))),
        (PRIVATE + OVERRIDE, GROUP_BLOCK, NeedsLogin(), Allow()),
        (PRIVATE + OVERRIDE, MALFORMED, NeedsLogin(), Allow()),
    ],
)
def test_site_rule_and_control_files_both_apply_unless_it_overrides(
    site: str, block: tuple[str, ...], for_anybody: Decision, for_staff: Decision
) -> None:
    rules = build_info_rules(*block, site=site) if block else folder_rules({}, site=site)
    assert decide_file(rules, "f", ANONYMOUS) == for_anybody
    assert decide_file(rules, "f", member_of("staff")) == for_staff


def test_who_is_in_all_groups_needs_no_more() -> None:
    rules = build_info_rules(*GROUP_BLOCK, site=PRIVATE)
    assert decide_file(rules, "f", member_of("authors")) == NOT_STAFF
    assert decide_file(rules, "f", member_of("authors", "board")) == Allow()


@pytest.mark.parametrize(
    ("site", "block", "for_anybody"),
    [
        (PUBLIC, EULA_BLOCK, Allow()),
        (EULA, OPEN_BLOCK, Allow()),
        (PUBLIC, GROUP_BLOCK, NeedsLogin()),
        (PUBLIC + OVERRIDE, GROUP_BLOCK, Allow()),
        (PUBLIC, MALFORMED, NOT_UNDERSTOOD),
        (PUBLIC + OVERRIDE, MALFORMED, Allow()),
        (PRIVATE, OPEN_BLOCK, NeedsLogin()),
        (PRIVATE, MALFORMED, NeedsLogin()),
    ],
)
def test_groups_and_malformed_rules_gate_the_listing_but_licences_do_not(
    site: str, block: tuple[str, ...], for_anybody: Decision
) -> None:
    assert decide(FOLDER, build_info_rules(*block, site=site), ANONYMOUS) == for_anybody


def test_a_rule_for_files_does_not_gate_their_folder() -> None:
    site = '[[rule]]\npath = "releases/16.09/*.img"\ntier = "private"\ngroups = ["staff"]\n'
    rules = folder_rules({}, site=site, default_public=True)
    assert decide(FOLDER, rules, ANONYMOUS) == Allow()
    assert decide_file(rules, "a.img", ANONYMOUS) == NeedsLogin()
    assert decide_file(rules, "a.txt", ANONYMOUS) == Allow()


@pytest.mark.parametrize(
    ("visibility", "for_anonymous", "for_outsider"),
    [("", NeedsLogin(), NOT_STAFF), (LISTED, NeedsLogin(), NOT_STAFF), (HIDDEN, Hidden(), Hidden())],
)
def test_what_strangers_are_told_of_a_private_path(
    visibility: str, for_anonymous: Decision, for_outsider: Decision
) -> None:
    rules = folder_rules({}, site=PRIVATE + visibility)
    for path in (FOLDER, FOLDER.child("f"), FOLDER.child("sub", is_folder=True), FOLDER.child("absent")):
        assert decide(path, rules, ANONYMOUS) == for_anonymous
        assert decide(path, rules, OUTSIDER) == for_outsider
        assert decide(path, rules, member_of("board")) == Allow()


@pytest.mark.parametrize("entry", [file(), Folder("sub")])
@pytest.mark.parametrize(("visibility", "is_shown"), [("", False), (LISTED, True), (HIDDEN, False)])
def test_how_a_listing_shows_private_entries(entry: Entry, visibility: str, is_shown: bool) -> None:
    rules = folder_rules({}, site=PRIVATE + visibility)
    path = FOLDER.child(entry.name, is_folder=entry.is_folder)
    for stranger in (ANONYMOUS, OUTSIDER):
        shown = VisibleEntry(path, locked(entry), Access.PRIVATE, (), locked=True, is_open=False)
        assert see(rules, entry, stranger) == (shown if is_shown else None)
    for insider in (member_of("staff"), TRUSTED):
        assert see(rules, entry, insider) == VisibleEntry(path, entry, Access.PRIVATE)


@pytest.mark.parametrize(
    ("above", "target", "is_shown"),
    [
        (folder_rules({}, site=PUBLIC), "f", True),
        (folder_rules({}, site=EULA), "f", True),
        (folder_rules({}, site=PRIVATE), "f", False),
        (folder_rules({}, site=PRIVATE + LISTED), "f", False),
        (build_info_rules("Files-Pattern: f", "Auth-Groups: authors"), "f", False),
        (
            build_info_rules("Files-Pattern: f", "Auth-Groups: authors", site='private_entries = "listed"\n'),
            "f",
            False,
        ),
        (build_info_rules("Files-Pattern: other", "Auth-Groups: authors"), "f", True),
        (folder_rules({}, site=PUBLIC), "BUILD-INFO.txt", False),
    ],
)
def test_a_link_shows_to_those_who_may_know_where_it_leads(above: Rules, target: str, is_shown: bool) -> None:
    """A file that nobody gets is known by the listing of its folder, one that only others get is not."""
    rules = replace(folder_rules({}, site=PUBLIC), links={"to": [Hop(FOLDER.child(target), above, None)]})
    assert (see(rules, file("to"), ANONYMOUS) is not None) == is_shown
    assert see(rules, file("beside"), ANONYMOUS) is not None


@pytest.mark.parametrize(
    ("own", "above", "is_shown"),
    [
        (PUBLIC, PUBLIC, True),
        (PRIVATE, PUBLIC, True),
        (PUBLIC, PRIVATE, True),
        (PRIVATE, PRIVATE, False),
        (None, PUBLIC, True),
        (None, PRIVATE, False),
    ],
)
def test_a_folder_behind_a_link_is_known_by_its_own_listing_or_by_the_one_above(
    own: str | None, above: str, is_shown: bool
) -> None:
    path = FOLDER.child("sub", is_folder=True)
    hop = Hop(
        path, folder_rules({}, site=above), None if own is None else folder_rules({}, site=own, folder=path)
    )
    rules = replace(folder_rules({}, site=PUBLIC), links={"to": [hop]})
    assert (see(rules, Folder("to"), ANONYMOUS) is not None) == is_shown


@pytest.mark.parametrize(
    ("entries", "is_shown", "decision"),
    [("unlisted", False, NeedsLogin()), ("listed", True, NeedsLogin()), ("hidden", False, Hidden())],
)
def test_private_entries_holds_for_groups_of_control_files_too(
    entries: str, is_shown: bool, decision: Decision
) -> None:
    rules = build_info_rules(
        "Files-Pattern: f", "Auth-Groups: authors", site=f'private_entries = "{entries}"\n'
    )
    assert (see(rules, file(), ANONYMOUS) is not None) == is_shown
    assert decide_file(rules, "f", ANONYMOUS) == decision
    assert see(rules, file(), member_of("authors")) == VisibleEntry(FOLDER.child("f"), file(), Access.PRIVATE)


def test_a_rules_own_word_on_visibility_beats_the_sites() -> None:
    rules = folder_rules({}, site='private_entries = "hidden"\n' + PRIVATE + LISTED)
    assert decide_file(rules, "f", ANONYMOUS) == NeedsLogin()


@pytest.mark.parametrize(
    ("block", "access", "licences"),
    [
        (OPEN_BLOCK, Access.PUBLIC, ()),
        (EULA_BLOCK, Access.EULA, (OWN_LICENCE,)),
        ((*EULA_BLOCK, "Auth-Groups: authors"), Access.PRIVATE, (OWN_LICENCE,)),
        (OTHER_BLOCK, Access.CLOSED, ()),
        (("Files-Pattern: *", "Auth-Groups: a", *OTHER_BLOCK), Access.PRIVATE, ()),
    ],
)
def test_the_tier_of_a_file(block: tuple[str, ...], access: Access, licences: tuple[Licence, ...]) -> None:
    assert classify(FOLDER.child("f"), build_info_rules(*block)) == (access, licences)


def test_a_licence_is_shown_accepted_or_not() -> None:
    rules = build_info_rules(*EULA_BLOCK)
    accepted = VisibleEntry(FOLDER.child("f"), file(), Access.EULA, (OWN_LICENCE,))
    assert see(rules, file(), ANONYMOUS) == accepted._replace(is_open=False)
    assert see(rules, file(), member_of(accepted=(OWN_LICENCE.digest,))) == accepted


@pytest.mark.parametrize("name", ["BUILD-INFO.txt", ".htaccess", "x.EULA.txt", ".s3_linked_from"])
@pytest.mark.parametrize("principal", [ANONYMOUS, TRUSTED, member_of("staff")])
def test_a_hidden_name_is_hidden_from_everybody(name: str, principal: Principal) -> None:
    rules = folder_rules({name: build_info(*OPEN_BLOCK)}, site=PUBLIC + OVERRIDE, default_public=True)
    assert decide_file(rules, name, principal) == Hidden()
    assert see(rules, file(name), principal) is None
    assert classify(FOLDER.child(name), rules) == (Access.CLOSED, ())
    assert explain(FOLDER.child(name), rules, principal).sources == ()
    # A folder may have any name.
    assert decide(FOLDER.child(name, is_folder=True), rules, principal) == Allow()
    assert see(rules, Folder(name), principal) is not None


@pytest.mark.parametrize("block", [OPEN_BLOCK, EULA_BLOCK, GROUP_BLOCK, OTHER_BLOCK, MALFORMED])
@pytest.mark.parametrize("site", ["", PRIVATE + HIDDEN, EULA])
def test_a_trusted_network_passes_everything_else(block: tuple[str, ...], site: str) -> None:
    rules = build_info_rules(*block, site=site)
    for path in (FOLDER, FOLDER.child("f"), FOLDER.child("sub", is_folder=True)):
        assert decide(path, rules, TRUSTED) == Allow()
    assert see(rules, file(), TRUSTED) is not None


@pytest.mark.parametrize(
    ("globs", "decision"),
    [
        ((), Allow()),
        (("/",), Allow()),
        (("releases/16.*",), Allow()),
        (("snapshots", "releases/**/*.img"), Allow()),
        (("snapshots",), Forbidden(("board", "staff"), "this token's groups do not count at this path")),
        (
            ("releases/16.09/other",),
            Forbidden(("board", "staff"), "this token's groups do not count at this path"),
        ),
        (("bad//glob",), Forbidden(("board", "staff"), "this token's groups do not count at this path")),
    ],
)
def test_groups_count_only_within_the_tokens_scope(globs: tuple[str, ...], decision: Decision) -> None:
    robot = Principal("robot", frozenset({"staff"}), PathScope(globs))
    rules = folder_rules({}, site=PRIVATE)
    assert decide_file(rules, "f.img", robot) == decision
    assert (see(rules, file("f.img"), robot) is not None) == (decision == Allow())


def test_a_scope_does_not_limit_what_is_public() -> None:
    robot = Principal("robot", frozenset({"staff"}), PathScope(("elsewhere",)))
    assert decide_file(folder_rules({}, site=PUBLIC), "f", robot) == Allow()


def test_a_sub_folder_is_seen_by_the_site_policy_alone() -> None:
    site = '[[rule]]\npath = "releases/16.09/members"\ntier = "private"\ngroups = ["staff"]\n'
    rules = build_info_rules(*GROUP_BLOCK, site=site)
    assert decide(FOLDER.child("sub", is_folder=True), rules, ANONYMOUS) == Allow()
    assert see(rules, Folder("sub"), ANONYMOUS) == VisibleEntry(
        FOLDER.child("sub", is_folder=True), Folder("sub"), Access.PUBLIC
    )
    assert see(rules, Folder("members"), ANONYMOUS) is None
    assert see(rules, Folder("members"), member_of("staff")) is not None


def test_the_root_is_a_folder_like_others() -> None:
    rules = folder_rules({}, site='[[rule]]\npath = "/"\ntier = "private"\ngroups = ["a"]\n', folder=ROOT)
    assert decide(ROOT, rules, ANONYMOUS) == NeedsLogin()
    assert decide(ROOT.child("f"), rules, member_of("a")) == Allow()


@pytest.mark.parametrize("text", ["/", "/releases/", "/releases/16.09", "/releases/16.09/a/b", "/other/f"])
def test_rules_do_not_answer_for_another_folder(text: str) -> None:
    path = ArtifactPath.from_text(text)
    rules = folder_rules({}, default_public=True)
    for ask in (decide, explain):
        with pytest.raises(ValueError, match="do not say anything"):
            ask(path, rules, TRUSTED)
    with pytest.raises(ValueError, match="do not say anything"):
        classify(path, rules)


def test_the_site_policy_alone() -> None:
    rules = rules_without_control_files(FOLDER, site=site_policy(PRIVATE), default_public=True)
    assert decide(FOLDER.child("absent"), rules, ANONYMOUS) == NeedsLogin()
    free = rules_without_control_files(FOLDER, site=SitePolicy(), default_public=True)
    assert decide(FOLDER, free, ANONYMOUS) == decide(FOLDER.child("f"), free, ANONYMOUS) == Allow()


@pytest.mark.parametrize("names", [["BUILD-INFO.txt"], ["EULA.txt", "f"], ["f.EULA.txt", "f"]])
def test_a_control_file_that_was_not_read_opens_nothing(names: list[str]) -> None:
    with pytest.raises(ValueError, match="were not read"):
        compose(
            FOLDER,
            names,
            [ControlFile("OPEN-EULA.txt", b"")],
            site=SitePolicy(),
            default_public=True,
            default_licences=DEFAULTS,
        )


def test_a_control_file_that_the_listing_lacks_says_nothing() -> None:
    rules = compose(
        FOLDER,
        ["f"],
        [ControlFile("BUILD-INFO.txt", build_info(*OPEN_BLOCK))],
        site=SitePolicy(),
        default_public=False,
        default_licences=DEFAULTS,
    )
    assert decide_file(rules, "f", ANONYMOUS) == CLOSED


def test_explain_names_site_rule_and_control_file() -> None:
    rules = build_info_rules(*EULA_BLOCK, site="\n" + PRIVATE)
    explanation = explain(FOLDER.child("f"), rules, member_of("staff"))
    assert explanation.decision == NeedsLicence((OWN_LICENCE,))
    assert explanation.access is Access.PRIVATE
    assert explanation.sources == (Source("policy.toml", 2), Source("releases/16.09/BUILD-INFO.txt", 2))
    assert explanation.reasons[0] == (
        "policy.toml, line 2: rule '/releases' says private, for members of board or staff"
    )


def test_explain_of_an_overriding_rule_names_it_alone() -> None:
    rules = build_info_rules(*EULA_BLOCK, *OPEN_BLOCK, site=EULA + OVERRIDE)
    explanation = explain(FOLDER.child("f"), rules, ANONYMOUS)
    assert explanation.sources == (Source("policy.toml", 1),)
    assert explanation.reasons == (
        f"policy.toml, line 1: rule '/releases' says eula, behind the licence S ({SITE_LICENCE.digest});"
        " it overrides the folder's own files",
    )


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        (TRUSTED, "a trusted network skips groups, licences and refusals"),
        (
            Principal("robot", frozenset({"staff"}), PathScope(("x",))),
            "the token's paths do not cover this one, so its groups do not count",
        ),
    ],
)
def test_explain_says_what_of_the_principal_counted(principal: Principal, said: str) -> None:
    assert explain(FOLDER.child("f"), folder_rules({}, site=PRIVATE), principal).reasons[-1] == said


@pytest.mark.parametrize(
    ("rules", "is_open"),
    [
        (folder_rules({}), True),
        (folder_rules({}, site=PRIVATE), False),
        (folder_rules({"BUILD-INFO.txt": b"malformed"}), False),
    ],
    ids=["none", "groups", "refused"],
)
def test_explain_of_a_listing_says_whether_anything_stands_before_it(rules: Rules, is_open: bool) -> None:
    reasons = explain(FOLDER, rules, member_of("staff")).reasons
    assert ("no rule protects this listing" in reasons) == is_open


def test_explain_of_a_sub_folder_says_what_is_not_known() -> None:
    explanation = explain(FOLDER.child("sub", is_folder=True), build_info_rules(*OPEN_BLOCK), ANONYMOUS)
    assert explanation.decision == Allow()
    assert "the folder's own control files are not read" in explanation.reasons[-1]


def test_a_name_that_is_not_utf_8_can_be_explained() -> None:
    folder = ArtifactPath.of("a\udcff", is_folder=True)
    rules = folder_rules({"EULA.txt": b"\xff"}, folder=folder)
    reasons = "\n".join(explain(folder.child("f"), rules, ANONYMOUS).reasons)
    assert reasons
    assert reasons.encode().decode() == reasons


@pytest.mark.parametrize(
    ("principal", "tier"),
    [
        (ANONYMOUS, Tier()),
        (OUTSIDER, Tier()),
        (Principal("robot", frozenset({"x"}), PathScope(("a",))), Tier()),
        (member_of("staff", "authors", "x"), Tier(groups=frozenset({"staff", "authors"}))),
        (
            Principal("r", frozenset({"staff"}), PathScope(("a",))),
            Tier(groups=frozenset({"staff"}), scope=("a",)),
        ),
        (Principal("u", frozenset({"staff"}), trusted=True), Tier(trusted=True)),
        (member_of(accepted=(OWN_LICENCE.digest,)), Tier()),
    ],
)
def test_only_what_can_change_a_listing_is_in_the_tier(principal: Principal, tier: Tier) -> None:
    assert tier_of(principal, build_info_rules(*GROUP_BLOCK, site=PRIVATE)) == tier


BY_LINK = Principal(link=FileLink(FOLDER.child("f"), 0.0))


def test_a_link_stands_for_the_groups_of_its_file_alone() -> None:
    for site in (PRIVATE, PRIVATE + HIDDEN, PRIVATE + LISTED):
        rules = folder_rules({}, site=site)
        assert decide_file(rules, "f", BY_LINK) == Allow()
        for path in (FOLDER.child("g"), FOLDER.child("f", is_folder=True), FOLDER):
            assert decide(path, rules, BY_LINK) == decide(path, rules, ANONYMOUS)
    assert decide_file(build_info_rules(*GROUP_BLOCK), "f", BY_LINK) == Allow()


def test_a_link_opens_nothing_that_members_may_not_have() -> None:
    behind_licence = build_info_rules(*EULA_BLOCK, site=PRIVATE)
    assert decide_file(behind_licence, "f", BY_LINK) == NeedsLicence((OWN_LICENCE,))
    assert decide_file(build_info_rules(*OTHER_BLOCK, site=PRIVATE), "f", BY_LINK) == NOT_COVERED
    assert decide_file(build_info_rules(*MALFORMED, site=PRIVATE), "f", BY_LINK) == NOT_UNDERSTOOD
    to_control_file = Principal(link=FileLink(FOLDER.child("EULA.txt"), 0.0))
    assert decide_file(folder_rules({}, site=PRIVATE), "EULA.txt", to_control_file) == Hidden()
