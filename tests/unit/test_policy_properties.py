"""What must hold of every folder, every policy and everybody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.access import (
    ANONYMOUS,
    Access,
    Allow,
    FileLink,
    Forbidden,
    Hidden,
    Licence,
    NeedsLicence,
    NeedsLogin,
    PathScope,
    Principal,
    Visibility,
    VisibleEntry,
)
from app.domain.entries import Entry, File, Folder, locked
from app.domain.entry_table import EntryTable
from app.policy.alike import FolderJudge
from app.policy.decide import Rules, classify, decide, explain, visible_entry
from app.policy.tier import tier_of
from tests.support.policy import FOLDER, build_info, folder_rules

GROUPS = st.frozensets(st.sampled_from("abc"))
NAMES = ("f", "g.img", "g.txt", "EULA.txt", "f.EULA.txt", ".htaccess", "BUILD-INFO.txt")
ENTRIES: tuple[Entry, ...] = (*(File(name, 1, 0.0) for name in NAMES), Folder("f"), Folder("sub"))
PATHS = (FOLDER, *(FOLDER.child(entry.name, is_folder=entry.is_folder) for entry in ENTRIES))
TEXTS = ("one", "two", "site")
DIGESTS = st.frozensets(st.sampled_from([Licence(text).digest for text in TEXTS]))

BLOCK_LINES = st.tuples(
    st.sampled_from(["*", "*.img", "g.*", "f", "f, g.txt", "*,", ""]).map("Files-Pattern: {}".format),
    st.sampled_from(["License-Type: open", "License-Type: protected", "Theme: linaro"]),
    st.sampled_from(["License-Text: one", "License-Text: two", "Build-Name: x"]),
    st.sampled_from(["Auth-Groups: a", "Auth-Groups: b, c", "Auth-Groups:"]),
)
GOOD_BUILD_INFO = st.lists(BLOCK_LINES, max_size=4).map(
    lambda blocks: build_info(*(line for block in blocks for line in block))
)
BAD_FILE = st.sampled_from([b"", b"\xff", b"\n\n", b"Format-Version: 1\nno colon\n", None])
BAD_TEXT = st.sampled_from([b"\xff", None])

GOOD_FILES: st.SearchStrategy[dict[str, bytes | None]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"BUILD-INFO.txt": GOOD_BUILD_INFO}),
    st.dictionaries(
        st.sampled_from(["EULA.txt", "OPEN-EULA.txt", "f.EULA.txt", "g.img.EULA.txt.samsung"]),
        st.sampled_from([b"", b"one", b"two"]),
    ),
)
BAD_FILES = st.one_of(
    st.fixed_dictionaries({"BUILD-INFO.txt": BAD_FILE, "OPEN-EULA.txt": st.just(b"")}),
    st.fixed_dictionaries({"EULA.txt": BAD_TEXT}),
    st.fixed_dictionaries({"g.img.EULA.txt": BAD_TEXT, "f.EULA.txt": st.just(b"one")}),
)
SITE_RULE = st.tuples(
    st.sampled_from(
        ["/", "releases", "releases/16.09", "releases/16.09/f", "**/*.img", "releases/*/sub", "x"]
    ),
    st.sampled_from(
        [
            'tier = "public"',
            'tier = "eula"\nlicence_text = "site"',
            'tier = "private"\ngroups = ["a", "b"]',
            'tier = "private"\ngroups = ["c"]\nvisibility = "listed"',
            'tier = "private"\ngroups = ["c"]\nvisibility = "hidden"',
        ]
    ),
    st.booleans(),
)


@st.composite
def site_texts(draw: st.DrawFn, *, override: bool = True) -> str:
    default = draw(st.sampled_from(list(Visibility)))
    text = f'private_entries = "{default}"\n'
    for path, tier, is_override in draw(st.lists(SITE_RULE, max_size=4, unique_by=lambda rule: rule[0])):
        text += f'[[rule]]\npath = "{path}"\n{tier}\noverride = {str(is_override and override).lower()}\n'
    return text


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    files = draw(st.one_of(GOOD_FILES, BAD_FILES))
    return folder_rules(files, site=draw(site_texts()), default_public=draw(st.booleans()))


@st.composite
def principals(draw: st.DrawFn) -> Principal:
    return Principal(
        subject=draw(st.sampled_from([None, "somebody"])),
        groups=draw(GROUPS),
        scope=PathScope(draw(st.sampled_from([(), ("releases",), ("**/g.*",), ("releases/16.09/sub", "x")]))),
        accepted=draw(DIGESTS),
        trusted=draw(st.sampled_from([False, False, False, True])),
    )


@given(any_rules(), principals())
def test_listing_and_download_never_disagree(rules: Rules, principal: Principal) -> None:
    for entry in ENTRIES:
        path = FOLDER.child(entry.name, is_folder=entry.is_folder)
        decision = decide(path, rules, principal)
        shown = visible_entry(FOLDER, entry, rules, principal)
        if shown is None:
            assert isinstance(decision, NeedsLogin | Hidden) or (
                isinstance(decision, Forbidden) and decision.groups
            )
            continue
        assert (shown.path, shown.entry) == (path, locked(entry) if shown.locked else entry)
        if shown.locked:
            assert isinstance(decision, NeedsLogin) or (isinstance(decision, Forbidden) and decision.groups)
            assert (shown.access, shown.licences) == (Access.PRIVATE, ())
            continue
        assert (shown.access, shown.licences) == classify(path, rules)
        match decision:
            case Allow():
                # What is shown as closed is closed to all but trusted networks.
                assert principal.trusted or shown.access is not Access.CLOSED
                assert principal.trusted or all(x.is_accepted(principal.accepted) for x in shown.licences)
            case NeedsLicence(licences):
                assert licences == tuple(x for x in shown.licences if not x.is_accepted(principal.accepted))
                assert licences
            case Forbidden(groups):
                assert groups == ()
                assert shown.access is Access.CLOSED
            case _:
                raise AssertionError(decision)


@given(
    any_rules(),
    principals(),
    st.none() | st.sampled_from(PATHS).map(lambda path: FileLink(path, 1e9)),
    st.lists(st.sampled_from([*NAMES, "h", "*", ".x"]), unique=True),
)
def test_files_judged_at_once_are_shown_as_one_by_one(
    rules: Rules, principal: Principal, link: FileLink | None, names: list[str]
) -> None:
    principal = replace(principal, link=link)
    files = [File(name, 1, 0.0) for name in names]
    shown = [visible_entry(FOLDER, file, rules, principal) for file in files]
    judge = FolderJudge(FOLDER, rules, principal)
    assert list(map(judge.show, files)) == shown
    folders = [Folder(name, float(place)) for place, name in enumerate(names)]
    assert list(map(judge.show, folders)) == [
        visible_entry(FOLDER, folder, rules, principal) for folder in folders
    ]
    at_once = FolderJudge(FOLDER, rules, principal).show_files(files)
    if at_once is not None:
        assert list(at_once) == [visible for visible in shown if visible is not None]
        assert list(at_once[1:3]) == list(at_once)[1:3]
    folders = [Folder(name) for name in names[:2]]
    whole = FolderJudge(FOLDER, rules, principal).show_table(EntryTable.of([*folders, *files]))
    first = [visible_entry(FOLDER, folder, rules, principal) for folder in folders]
    assert list(whole) == [visible for visible in (*first, *shown) if visible is not None]
    assert len(whole) == len(list(whole))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"EULA.txt": b"one"},
        {"OPEN-EULA.txt": b""},
        {"BUILD-INFO.txt": build_info("Files-Pattern: *", "License-Type: open")},
        {"BUILD-INFO.txt": build_info("Files-Pattern: *,", "Auth-Groups: a")},
        {"BUILD-INFO.txt": b"malformed"},
    ],
)
def test_files_are_judged_at_once_where_their_names_make_no_difference(files: dict[str, bytes]) -> None:
    some = [File(name, 1, 0.0) for name in (*files, "f", ".htaccess", "x.EULA.txt", "g.img")]
    assert FolderJudge(FOLDER, folder_rules(files), ANONYMOUS).show_files(some) is not None
    rules = folder_rules(files)
    whole = FolderJudge(FOLDER, rules, ANONYMOUS).show_table(EntryTable.of(some))
    each = [visible_entry(FOLDER, file, rules, ANONYMOUS) for file in some]
    assert list(whole) == [visible for visible in each if visible is not None]
    assert not whole or {visible.entry.name for visible in whole} == {"f", "g.img"}


@given(any_rules(), principals())
def test_public_means_open_to_anybody_and_closed_to_nobody(rules: Rules, principal: Principal) -> None:
    for path in PATHS:
        access, licences = classify(path, rules)
        decision = decide(path, rules, replace(principal, trusted=False))
        if access is Access.PUBLIC:
            assert decision == Allow()
            assert licences == ()
        if access is Access.CLOSED:
            assert decision != Allow()


@given(any_rules(), principals(), GROUPS)
def test_a_group_more_never_removes_access(rules: Rules, principal: Principal, more: frozenset[str]) -> None:
    richer = replace(principal, groups=principal.groups | more)
    for path in PATHS:
        before, after = decide(path, rules, principal), decide(path, rules, richer)
        if before == Allow():
            assert after == Allow()
        if isinstance(before, NeedsLicence):
            assert after == before
    for entry in ENTRIES:
        if visible_entry(FOLDER, entry, rules, principal) is not None:
            assert visible_entry(FOLDER, entry, rules, richer) is not None


def shown_of(entry: Entry, rules: Rules, principal: Principal) -> VisibleEntry | None:
    """All that a listing shows of an entry; whether it can be had right now is not shown."""
    visible = visible_entry(FOLDER, entry, rules, principal)
    return visible and visible._replace(is_open=False)


@given(any_rules(), principals(), DIGESTS)
def test_an_accepted_licence_never_removes_access_and_changes_no_listing(
    rules: Rules, principal: Principal, more: frozenset[str]
) -> None:
    richer = replace(principal, accepted=principal.accepted | more)
    for path in PATHS:
        before, after = decide(path, rules, principal), decide(path, rules, richer)
        assert after == before or (
            isinstance(before, NeedsLicence) and isinstance(after, NeedsLicence | Allow)
        )
    for entry in ENTRIES:
        assert shown_of(entry, rules, principal) == shown_of(entry, rules, richer)


@given(any_rules(), principals())
def test_all_groups_and_all_licences_are_enough_for_what_is_not_closed(
    rules: Rules, principal: Principal
) -> None:
    accepted = frozenset(licence.digest for path in PATHS for licence in classify(path, rules)[1])
    insider = replace(principal, groups=frozenset("abc"), scope=PathScope(), accepted=accepted)
    for path in PATHS:
        if classify(path, rules)[0] is not Access.CLOSED:
            assert decide(path, rules, insider) == Allow()


@given(BAD_FILES, site_texts(override=False), st.booleans(), principals())
def test_a_malformed_file_never_opens_anything(
    files: dict[str, bytes | None], site: str, default_public: bool, principal: Principal
) -> None:
    rules = folder_rules(files, site=site, default_public=default_public)
    stranger = replace(principal, trusted=False)
    for path in PATHS:
        if path == FOLDER or not path.is_folder:
            assert not isinstance(decide(path, rules, stranger), Allow | NeedsLicence)


@given(st.one_of(GOOD_FILES, BAD_FILES), site_texts(override=False), st.booleans(), principals())
def test_control_files_never_open_what_the_site_policy_protects(
    files: dict[str, bytes | None], site: str, default_public: bool, principal: Principal
) -> None:
    # This is what makes a denial by the site policy alone final, before the folder is even looked at.
    with_files = folder_rules(files, site=site, default_public=default_public)
    without = folder_rules({}, site=site, default_public=True)
    for path in PATHS:
        if decide(path, with_files, principal) == Allow():
            assert decide(path, without, principal) == Allow()


@given(any_rules(), principals(), principals())
def test_principals_of_one_tier_see_the_same(rules: Rules, one: Principal, other: Principal) -> None:
    if tier_of(one, rules) != tier_of(other, rules):
        # Random pairs seldom share a tier: make the second one a double of the first, as far as tiers go.
        extra = frozenset("abc") - rules.groups
        other = replace(other, groups=one.groups | extra, scope=one.scope, trusted=one.trusted)
    assert tier_of(one, rules) == tier_of(other, rules)
    for entry in ENTRIES:
        assert shown_of(entry, rules, one) == shown_of(entry, rules, other)
    for path in PATHS:
        assert isinstance(decide(path, rules, one), Allow | NeedsLicence) == isinstance(
            decide(path, rules, other), Allow | NeedsLicence
        )


@given(any_rules(), principals())
def test_explain_says_what_decide_says(rules: Rules, principal: Principal) -> None:
    for path in PATHS:
        explanation = explain(path, rules, principal)
        assert explanation.decision == decide(path, rules, principal)
        assert explanation.access == classify(path, rules)[0]
        assert explanation.reasons
