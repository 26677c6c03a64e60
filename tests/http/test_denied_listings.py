"""Somebody who may not see a folder's listing learns of no name in it, nor of any path below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.catalog.wildcards import is_wildcard
from app.domain.access import Allow, NeedsLicence, Principal
from app.domain.entries import File
from app.domain.paths import ArtifactPath
from app.policy.decide import Rules, decide, visible_entry
from tests.support.cache_sites import ASKERS, LICENCE_A
from tests.support.in_process import Ask, Asker
from tests.support.live_server import policy_from, settings_for
from tests.support.oracle import Site, State
from tests.support.policy import build_info, folder_rules

POLICIES: Final = (
    "",
    '[[rule]]\npath = "shut"\ntier = "private"\ngroups = ["staff"]\n',
    '[[rule]]\npath = "shut"\ntier = "private"\ngroups = ["staff"]\nvisibility = "hidden"\n',
    '[[rule]]\npath = "shut"\ntier = "private"\ngroups = ["staff"]\nvisibility = "listed"\n'
    '[[rule]]\npath = "shut/sub"\ntier = "public"\n',
    '[[rule]]\npath = "shut/sub"\ntier = "private"\ngroups = ["authors"]\n',
    '[[rule]]\npath = "shut/sub"\ntier = "private"\ngroups = ["authors"]\nvisibility = "hidden"\n',
)
VISIBILITIES: Final = ("unlisted", "listed", "hidden")
RULES: Final = (
    build_info("Files-Pattern: *.img,", "Auth-Groups: staff"),
    build_info("Files-Pattern: ,", "Auth-Groups: staff", "Files-Pattern: *.txt", "License-Type: open"),
    build_info("Files-Pattern: *,", "Auth-Groups: authors", "Files-Pattern: *.img", "Auth-Groups: staff"),
    build_info(
        "Files-Pattern: *.img,",
        "Auth-Groups: staff",
        "Files-Pattern: *.bin",
        "License-Type: protected",
        f"License-Text: {LICENCE_A.decode()}",
    ),
    build_info("Files-Pattern: ,", "Auth-Groups: staff", "Files-Pattern: *", "License-Type: open"),
    b"not such a file at all",
    build_info("Files-Pattern: *.img", "Auth-Groups: staff", "Files-Pattern: *.txt", "License-Type: open"),
)
"""Most keep their listing for a group; the last one only some files."""

SHUT, SUB = "shut/", "shut/sub/"
LINK: Final = "shut/link"
"""A link of the store's own to a folder that is open to all."""
FILES: Final = ("there.img", "there.txt", "there.bin", "th[e]*.img")
NOT_THERE: Final = ("none.img", "none.txt", "none.bin")
WILDCARDS: Final = ("*", "%3F*", "th*.bin", "s%5Bu%5Db")


class Case(NamedTuple):
    """A tree, something in it that may as well be absent, and a path that is asked for.

    Attributes:
        gone: a file, a link, or a folder with all that is in it.
        asked: as it is written in a URL, without a leading slash.
    """

    shut_rules: bytes
    sub_rules: bytes | None
    gone: str
    asked: str


def cases() -> st.SearchStrategy[Case]:
    rules = st.sampled_from(RULES)
    gone_and_asked = st.one_of(
        st.tuples(st.sampled_from((SHUT, SUB)), st.sampled_from(FILES)).map(lambda x: (x[0] + x[1],) * 2),
        st.tuples(st.just(SUB), st.sampled_from(["shut/sub", SUB, "shut/sub/deep/x", "shut/sub/none/x/"])),
        st.tuples(st.just(SUB), st.sampled_from([SUB + name for name in (*FILES, *NOT_THERE, *WILDCARDS)])),
        st.tuples(st.just(LINK), st.sampled_from([LINK + below for below in ("", "/", "/f", "/none", "/*")])),
        st.tuples(
            st.sampled_from([SUB, *(SHUT + name for name in FILES)]),
            st.sampled_from([SHUT + name for name in WILDCARDS]),
        ),
    )
    return st.builds(lambda shut, sub, pair: Case(shut, sub, *pair), rules, st.none() | rules, gone_and_asked)


def asks(path: str) -> Iterator[Ask]:
    """Every way to ask for it."""
    yield Ask(f"/{path}")
    yield Ask(f"/{path}", method="HEAD")
    yield Ask(f"/{path}", headers=(("Accept", "text/html"),))
    yield Ask(f"/{path}", "recursive=true")
    yield Ask(f"/{path}", "format=json&limit=1")
    yield Ask(f"/api/ls/{path}")
    yield Ask(f"/api/license/{path}")
    yield Ask(f"/api/v1/manifest/{path}")
    yield Ask("/license", f"lic=29a98637b8ece07fdd722f2444e93047&url=/{path}")


class DeniedSites:
    """The sites that are asked, each wired once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str, bool], Site] = {}

    def site(self, policy: int, visibility: str, *, is_open: bool) -> Site:
        key = (policy, visibility, is_open)
        if key not in self._made:
            settings = settings_for(
                log_level="error",
                trusted_networks=("10.0.0.0/8",),
                default_tier="public" if is_open else "closed",
            )
            self._made[key] = Site(settings, policy_from(text_of(policy, visibility)))
        return self._made[key]

    def close(self) -> None:
        for site in self._made.values():
            site.oracle.close()


def text_of(policy: int, visibility: str) -> str:
    return f'private_entries = "{visibility}"\n{POLICIES[policy]}'


@pytest.fixture(scope="module")
def sites() -> Iterator[DeniedSites]:
    made = DeniedSites()
    yield made
    made.close()


NOBODY: Final[dict[str, Any]] = {"policy": 0, "visibility": "unlisted", "is_open": True, "who": ASKERS[0]}
OUTSIDER: Final[dict[str, Any]] = NOBODY | {"who": ASKERS[1]}


def tree_of(case: Case) -> State:
    """With everything."""
    names = {f"{folder}{name}" for folder in (SHUT, SUB) for name in FILES}
    files = {name: name.encode() for name in names} | {"shut/sub/deep/x": b"x", "public.txt": b"public"}
    files |= {"open/f": b"f", "shut/BUILD-INFO.txt": case.shut_rules}
    if case.sub_rules is not None:
        files["shut/sub/BUILD-INFO.txt"] = case.sub_rules
    return frozenset(files.items()) | {(LINK, "open")}


def is_told_nothing(
    case: Case, shut: Rules, sub: Rules, deep: Rules, sub_by_site: Rules, who: Principal
) -> bool:
    """Whether the asker may not learn whether there is what may be gone, by the path that they ask for."""

    def is_closed(rules: Rules) -> bool:
        return not isinstance(decide(rules.folder, rules, who), Allow)

    def is_opened(name: str, rules: Rules) -> bool:
        return isinstance(decide(rules.folder.child(name), rules, who), Allow | NeedsLicence)

    folder, _, name = case.asked.rpartition("/")
    own = {"shut": shut, "shut/sub": sub, "shut/sub/deep": deep}.get(folder)
    if case.gone == LINK:
        return is_closed(shut) and not (case.asked == LINK and is_opened(name, shut))
    if case.gone == SUB and case.asked.startswith(SUB) and is_closed(sub_by_site):
        return True  # the site policy is the answer, wherever it denies
    if case.gone == case.asked == f"{SHUT}{name}" and not is_wildcard(name) and not is_opened(name, shut):
        # Also where others of its folder are listed.
        return is_closed(shut) or visible_entry(shut.folder, File(name, 0, 0.0), shut, who) is None
    if not is_closed(shut) or (folder == "shut/sub/deep" and not is_closed(deep)):
        return False
    if own is not None and name and name in FILES and is_opened(name, own):
        return False
    if case.gone == SUB and folder == "shut/sub/deep" and is_opened(name, deep):
        return False
    return is_closed(sub)


@example(case=Case(RULES[0], RULES[0], "shut/there.bin", "shut/there.bin"), **NOBODY)
@example(case=Case(RULES[0], RULES[0], "shut/there.bin", "shut/*"), **NOBODY)
@example(case=Case(RULES[4], RULES[0], "shut/there.img", "shut/*"), **NOBODY)
@example(case=Case(RULES[4], RULES[0], SUB, "shut/s%5Bu%5Db"), **NOBODY)
@example(case=Case(RULES[4], RULES[0], SUB, "shut/sub"), **NOBODY)
@example(case=Case(RULES[0], RULES[5], SUB, SUB), **NOBODY)
@example(case=Case(RULES[5], RULES[5], "shut/there.img", "shut/%3F*"), **NOBODY)
@example(case=Case(RULES[6], None, "shut/there.img", "shut/there.img"), **NOBODY)
@example(case=Case(RULES[0], RULES[1], SUB, "shut/sub/none.txt"), **NOBODY)
@example(case=Case(RULES[0], RULES[2], SUB, "shut/sub/none/x/"), **OUTSIDER)
@example(case=Case(RULES[6], None, SUB, "shut/sub/none.txt"), **(NOBODY | {"policy": 4}))
@example(case=Case(RULES[0], None, LINK, "shut/link/f"), **NOBODY)
@given(
    case=cases(),
    policy=st.integers(0, len(POLICIES) - 1),
    visibility=st.sampled_from(VISIBILITIES),
    is_open=st.booleans(),
    who=st.sampled_from(ASKERS),
)
def test_what_is_there_and_what_is_not_have_one_answer(
    sites: DeniedSites, case: Case, policy: int, visibility: str, is_open: bool, who: Asker
) -> None:
    assume(who.name != "liar")
    site = sites.site(policy, visibility, is_open=is_open)
    principal = site.oracle.principal(who)

    def rules_of(folder: str, content: bytes | None, *, default_public: bool = is_open) -> Rules:
        return folder_rules(
            {} if content is None else {"BUILD-INFO.txt": content},
            site=text_of(policy, visibility),
            default_public=default_public,
            folder=ArtifactPath.from_text(folder),
        )

    shut, sub = rules_of(SHUT, case.shut_rules), rules_of(SUB, case.sub_rules)
    deep, sub_by_site = rules_of("shut/sub/deep/", None), rules_of(SUB, None, default_public=True)
    assume(is_told_nothing(case, shut, sub, deep, sub_by_site, principal))
    there = tree_of(case)
    gone = frozenset(item for item in there if not item[0].startswith(case.gone))
    for ask in asks(case.asked):
        with_it, without = (site.oracle.answer(state, None, ask, who) for state in (there, gone))
        assert with_it == without, f"{who.name} is told of {case.gone} by {ask}"
