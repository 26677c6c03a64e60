"""Everything below a folder, and from anywhere in it on: the same by one flat walk as by listing each folder."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from app.catalog import Catalog
from app.catalog.subtree.lookahead import PAGES_AHEAD
from app.domain.access import ANONYMOUS, Access, Allow, Licence, PathScope, Principal, VisibleEntry
from app.domain.errors import (
    AccessDenied,
    BadParameter,
    LoginRequired,
    NotFound,
    ObjectChanged,
    RulesUnreadable,
    StoreDenied,
    StoreUnavailable,
)
from app.domain.paths import ROOT, ArtifactPath
from tests.support.catalogs import catalog_over, tree_of
from tests.support.memory_store import Call, MemoryStore
from tests.support.policy import build_info
from tests.support.reference_walk import reference_walk
from tests.support.waiting import PATIENCE

NAMES = ["a", "a-", "b", "latest", "16.09", "a b", "\udcff", "x.img"]
GROUPS_ONLY = build_info("Files-Pattern: *", "License-Type: open", "Auth-Groups: staff")
SOME_FOR_GROUPS = build_info("Files-Pattern: x.img", "License-Type: open", "Auth-Groups: staff")
UNREADABLE = b"(a control file that is there and cannot be served)"
CONTROL_FILES = [
    ("BUILD-INFO.txt", GROUPS_ONLY),
    ("BUILD-INFO.txt", SOME_FOR_GROUPS),
    ("BUILD-INFO.txt", b"malformed"),
    ("OPEN-EULA.txt", b""),
    ("EULA.txt", b"the text"),
    ("x.img.EULA.txt", b"another text"),
    ("MY-EULA.txt", b"an ordinary file that opens the others"),
    (".s3_linked_from", b"b/a"),
    (".s3_linked_from", b"."),
]
PEOPLE = [
    ANONYMOUS,
    Principal(subject="m", groups=frozenset({"staff"})),
    Principal(subject="o", groups=frozenset({"others"})),
    Principal(subject="s", groups=frozenset({"staff"}), scope=PathScope(("a/**",))),
    Principal(trusted=True),
    Principal(accepted=frozenset({Licence("the text").digest})),
]
LISTED = '[[rule]]\npath = "**/b"\ntier = "private"\ngroups = ["staff"]\nvisibility = "listed"\n'
POLICIES = [
    "",
    LISTED,
    '[[rule]]\npath = "a"\ntier = "private"\ngroups = ["staff"]\nvisibility = "hidden"\n',
    '[[rule]]\npath = "b"\ntier = "public"\noverride = true\n',
    '[[rule]]\npath = "/"\ntier = "public"\noverride = true\n' + LISTED,
    '[[rule]]\npath = "b"\ntier = "private"\ngroups = ["staff"]\noverride = true\n',
]
MEMBER = PEOPLE[1]
LIVES: dict[str, Any] = {"cache_ttl": 60, "cache_grace": 60, "cache_max_stale": 3600}

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
files = st.frozensets(paths, min_size=1, max_size=12)
folders = st.one_of(st.just(""), paths.map(lambda path: f"{path}/"))
controls = st.dictionaries(folders, st.sampled_from(CONTROL_FILES), max_size=4)
unreadable = st.sampled_from([("BUILD-INFO.txt", UNREADABLE), ("x.img.EULA.txt", UNREADABLE)])
controls_or_unreadable = st.dictionaries(
    folders, st.one_of(st.sampled_from(CONTROL_FILES), unreadable), max_size=4
)


def planted(tree: frozenset[str], rules: dict[str, tuple[str, bytes]], page_entries: int) -> MemoryStore:
    store = tree_of(*tree)
    for folder, (name, content) in rules.items():
        if content == UNREADABLE:
            store.put(f"{folder}zz")  # so that there is such a folder
            store.skip(folder, name)
        else:
            store.put(folder + name, content)
    store.page_entries = page_entries
    return store


async def entries(
    catalog: Catalog, root: ArtifactPath, principal: Principal, after: str | None = None
) -> list[VisibleEntry]:
    return [visible async for part in catalog.walk(root, principal, after) for visible in part]


async def walk(
    tree: Catalog | MemoryStore,
    after: str | None = None,
    *,
    root: ArtifactPath = ROOT,
    principal: Principal = ANONYMOUS,
) -> list[str]:
    catalog = tree if isinstance(tree, Catalog) else catalog_over(tree)
    return [visible.path.text for visible in await entries(catalog, root, principal, after)]


async def test_paths_come_in_byte_order_and_each_folder_before_what_is_in_it() -> None:
    store = tree_of("z.txt", "b/2/x", "b/10/y", "a/f", "a-f", "a0", "latest/f", "ü", "\udcff")
    assert await walk(store) == [
        *("a-f", "a/", "a/f", "a0", "b/", "b/10/", "b/10/y", "b/2/", "b/2/x", "latest/", "latest/f"),
        *("z.txt", "ü", "\udcff"),
    ]


@settings(max_examples=100)
@given(
    files,
    controls_or_unreadable,
    st.sampled_from(POLICIES),
    st.sampled_from(PEOPLE),
    st.integers(1, 6),
    st.booleans(),
    st.integers(0, 12),
    st.sampled_from(["public", "closed"]),
)
@example(
    *(frozenset({"b/a", "b/x.img"}), {"b/": (".s3_linked_from", b"a")}, POLICIES[3], ANONYMOUS),
    *(1, False, 0, "public"),
)
@example(frozenset({"b/a"}), {"b/": ("MY-EULA.txt", b"")}, "", ANONYMOUS, 2, False, 0, "closed")
def test_a_walk_is_what_listing_each_folder_gives(
    tree: frozenset[str],
    rules: dict[str, tuple[str, bytes]],
    policy: str,
    principal: Principal,
    page_entries: int,
    is_warm: bool,
    resumed: int,
    default_tier: str,
) -> None:
    # Where the site policy decides alone, a walk reads no rules, and a listing does. Nor does a walk go where links lead.
    is_more_read_by_listings = "override" in policy or any(
        name == ".s3_linked_from" for name, _ in rules.values()
    )
    assume(not is_more_read_by_listings or all(content != UNREADABLE for _, content in rules.values()))

    async def check() -> None:
        expected: list[VisibleEntry] | None
        store = planted(tree, rules, page_entries)
        lives = LIVES if is_warm else {}
        catalog = catalog_over(store, policy=policy, default_tier=default_tier, **lives)
        try:
            expected = await reference_walk(catalog, ROOT, principal)
        except (AccessDenied, NotFound, RulesUnreadable) as denied:
            with pytest.raises(type(denied)):
                await entries(catalog, ROOT, principal)
            return
        assert await entries(catalog, ROOT, principal) == expected
        for number in range(resumed % 3, len(expected), 3):
            after = expected[number].path.text
            assert await entries(catalog, ROOT, principal, after) == expected[number + 1 :]

    asyncio.run(check())


@settings(max_examples=100)
@given(files, controls, st.sampled_from(POLICIES), st.sampled_from(PEOPLE))
def test_an_entry_is_open_to_whom_it_would_be_handed_out(
    tree: frozenset[str], rules: dict[str, tuple[str, bytes]], policy: str, principal: Principal
) -> None:
    async def check() -> None:
        catalog = catalog_over(planted(tree, rules, 1000), policy=policy, default_tier="closed")
        with suppress(AccessDenied, NotFound):
            for visible in await entries(catalog, ROOT, principal):
                if not visible.entry.is_folder:
                    decision = (await catalog.explain(visible.path, principal)).decision
                    assert visible.is_open == isinstance(decision, Allow)

    asyncio.run(check())


@settings(max_examples=25)
@given(files, files, st.integers(1, 6))
def test_a_walk_resumed_behind_what_is_gone_loses_nothing(
    tree: frozenset[str], gone: frozenset[str], page_entries: int
) -> None:
    async def check() -> None:
        before = await walk(tree_of(*tree, *gone))
        catalog = catalog_over(planted(tree, {}, page_entries))
        after = await walk(catalog)
        for number, path in enumerate(before):
            left = set(before[number + 1 :])
            assert await walk(catalog, path) == [entry for entry in after if entry in left]

    asyncio.run(check())


async def test_a_subtree_is_walked_from_its_own_root() -> None:
    store = tree_of("a/b/c", "a/d", "e")
    root = ArtifactPath.from_text("a/")
    assert await walk(store, root=root) == ["a/b/", "a/b/c", "a/d"]
    assert await walk(store, "b/", root=root) == ["a/b/c", "a/d"]
    assert await walk(store, "b/c", root=root) == ["a/d"]
    assert await walk(store, root=ArtifactPath.from_text("a")) == ["a/b/", "a/b/c", "a/d"]


async def test_a_locked_folder_is_named_and_not_entered() -> None:
    catalog = catalog_over(tree_of("b/secret", "c"), policy=LISTED)
    assert await walk(catalog) == ["b/", "c"]
    assert await walk(catalog, principal=MEMBER) == ["b/", "b/secret", "c"]
    assert await walk(catalog, "b/secret") == ["c"]


async def test_nothing_below_a_denied_folder_goes_out_whatever_its_own_rules_say() -> None:
    store = tree_of("a/open/f", "b")
    store.put("a/BUILD-INFO.txt", GROUPS_ONLY)
    store.put("a/open/OPEN-EULA.txt")
    assert await walk(store) == ["a/", "b"]
    assert await walk(store, principal=MEMBER) == ["a/", "a/open/", "a/open/f", "b"]
    assert await walk(store, "a/open/") == ["b"]


async def test_rules_that_come_last_in_their_folder_count_for_its_first_entry() -> None:
    for page_entries in (1, 2, 1000):
        store = planted(frozenset({"d/a.img", "d/b/c"}), {}, page_entries)
        store.put("d/x.EULA.txt", b"licence")
        store.put("d/x", b"")
        catalog = catalog_over(store, default_tier="closed")
        assert await entries(catalog, ROOT, ANONYMOUS) == await reference_walk(catalog, ROOT, ANONYMOUS)


async def test_a_link_is_named_and_not_followed() -> None:
    store = tree_of("16.12/f", "latest/more")
    store.put("latest/.s3_linked_from", b"16.12")
    store.link("current", "16.12")
    assert await walk(store) == ["16.12/", "16.12/f", "current/", "latest/"]


@pytest.mark.parametrize("page_entries", [1, 2, 100])
@pytest.mark.parametrize("error", [RulesUnreadable(), StoreDenied(), NotFound()])
async def test_a_folder_whose_rules_cannot_be_read_is_one_closed_line(
    error: Exception, page_entries: int
) -> None:
    store = planted(frozenset({"a/x", "b/c/x", "b/y", "c/d/x", "e"}), {}, page_entries)
    store.skip("a/", "BUILD-INFO.txt")
    store.put("b/BUILD-INFO.txt", GROUPS_ONLY)
    store.fail_on("get", error, path="b/BUILD-INFO.txt")
    found = await entries(catalog_over(store), ROOT, ANONYMOUS)
    assert [(visible.path.text, visible.access) for visible in found] == [
        ("a/", Access.CLOSED),
        ("b/", Access.CLOSED),
        ("c/", Access.PUBLIC),
        ("c/d/", Access.PUBLIC),
        ("c/d/x", Access.PUBLIC),
        ("e", Access.PUBLIC),
    ]


@pytest.mark.parametrize("visibility", ["hidden", "unlisted", "listed"])
async def test_a_closed_folder_is_named_only_where_its_name_may_be_seen(visibility: str) -> None:
    store = tree_of("a/x", "b/y")
    store.skip("a/", "BUILD-INFO.txt")
    rule = f'[[rule]]\npath = "a"\ntier = "private"\ngroups = ["staff"]\nvisibility = "{visibility}"\n'
    catalog = catalog_over(store, policy=rule)
    found = {visible.path.text: visible.access for visible in await entries(catalog, ROOT, ANONYMOUS)}
    assert found.get("a/") == (Access.PRIVATE if visibility == "listed" else None)
    seen = {visible.path.text: visible.access for visible in await entries(catalog, ROOT, MEMBER)}
    assert seen == {"a/": Access.CLOSED, "b/": Access.PUBLIC, "b/y": Access.PUBLIC}


async def test_the_folder_itself_must_have_rules_that_can_be_read() -> None:
    store = tree_of("a/x", "b")
    store.skip("a/", "BUILD-INFO.txt")
    with pytest.raises(RulesUnreadable):
        await walk(store, root=ArtifactPath.from_text("a/"))


async def test_a_store_that_does_not_answer_for_a_control_file_breaks_the_walk() -> None:
    store = tree_of("a/x", "b/y")
    store.put("b/BUILD-INFO.txt", GROUPS_ONLY)
    store.fail_on("get", StoreUnavailable("timeout"), path="b/BUILD-INFO.txt")
    with pytest.raises(StoreUnavailable):
        await walk(store)


@pytest.mark.parametrize("name", ["BUILD-INFO.txt", "EULA.txt", "x.img.EULA.txt"])
async def test_a_folder_named_like_a_control_file_is_none(name: str) -> None:
    store = tree_of(f"a/{name}/f", "a/x.img")
    catalog = catalog_over(store)
    found = await entries(catalog, ROOT, ANONYMOUS)
    assert found == await reference_walk(catalog, ROOT, ANONYMOUS)
    assert "a/x.img" in [visible.path.text for visible in found]
    # Asked for only because it might be a link, which would close the folder.
    assert {call.path for call in store.calls if call.operation == "get"} == {f"a/{name}"}


async def test_control_files_that_make_no_difference_are_not_read() -> None:
    store = tree_of("a/x", "b/y/z")
    store.put("a/BUILD-INFO.txt", GROUPS_ONLY)
    store.put("b/BUILD-INFO.txt", GROUPS_ONLY)
    store.put("b/y/BUILD-INFO.txt", GROUPS_ONLY)
    policy = (
        '[[rule]]\npath = "a"\ntier = "public"\noverride = true\n'
        '[[rule]]\npath = "b"\ntier = "private"\ngroups = ["staff"]\nvisibility = "listed"\n'
    )
    store.fail_on("get", StoreUnavailable("timeout"))
    assert await walk(catalog_over(store, policy=policy)) == ["a/", "a/x", "b/"]


async def test_the_control_files_of_several_folders_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = planted(
        frozenset({f"{name}/f" for name in "abcd"}), {f"{name}/": CONTROL_FILES[3] for name in "abd"}, 1000
    )
    waiting, all_wait, read = Counter[str](), asyncio.Event(), store.read_small

    async def read_together(path: ArtifactPath, **how: Any) -> bytes:
        waiting[path.text] += 1
        if len(waiting) == 3:
            all_wait.set()
        await asyncio.wait_for(all_wait.wait(), PATIENCE)
        return await read(path, **how)

    monkeypatch.setattr(store, "read_small", read_together)
    assert await walk(store) == ["a/", "a/f", "b/", "b/f", "c/", "c/f", "d/", "d/f"]


async def test_a_walk_that_breaks_off_is_no_whole_one() -> None:
    store = planted(frozenset({"a/1", "a/2", "b/1"}), {}, 2)
    store.fail_on("walk", StoreUnavailable("timeout"), path="a/1")
    with pytest.raises(StoreUnavailable):
        await walk(store)


async def test_a_folder_cannot_be_walked_that_cannot_be_listed() -> None:
    store = tree_of("b/secret")
    with pytest.raises(NotFound):
        await walk(store, root=ArtifactPath.from_text("missing/"))
    with pytest.raises(LoginRequired):
        await walk(catalog_over(store, policy=LISTED), root=ArtifactPath.from_text("b/"))
    with pytest.raises(BadParameter):
        await walk(store, "../x")


class TestWhatIsKept:
    async def test_control_files_that_have_not_changed_are_not_read_again(self) -> None:
        store = planted(frozenset({"a/x", "a/y"}), {"a/": ("BUILD-INFO.txt", SOME_FOR_GROUPS)}, 1000)
        catalog = catalog_over(store, **LIVES)
        await catalog.list_folder(ArtifactPath.from_text("a/"), ANONYMOUS)
        store.calls.clear()
        assert await walk(catalog) == ["a/", "a/x", "a/y"]
        assert [call for call in store.calls if call.operation == "get"] == []

    async def test_what_is_kept_is_no_rule_for_what_came_later(self) -> None:
        store = tree_of("a/x")
        catalog = catalog_over(store, **LIVES)
        assert await walk(catalog) == ["a/", "a/x"]
        await catalog.list_folder(ArtifactPath.from_text("a/"), ANONYMOUS)
        store.put("a/BUILD-INFO.txt", GROUPS_ONLY)
        store.put("a/secret")
        assert await walk(catalog) == ["a/"]

    async def test_a_large_folder_is_of_one_reading(self) -> None:
        """Were its entries those of the walk, the rules that are kept would be taken for the new one's."""
        many = frozenset(f"a/{number}" for number in range(20))
        store = planted(many, {}, 2)
        catalog = catalog_over(store, **LIVES)
        await catalog.list_folder(ArtifactPath.from_text("a/"), ANONYMOUS)
        store.put("a/secret/BUILD-INFO.txt", GROUPS_ONLY)
        store.put("a/secret/f")
        store.put("a/BUILD-INFO.txt", GROUPS_ONLY)
        assert await walk(catalog) == sorted({"a/", *many})

    async def test_a_folder_that_is_no_longer_listable_is_refused_before_the_first_line(self) -> None:
        store = tree_of("a/x")
        catalog = catalog_over(store, **LIVES)
        root = ArtifactPath.from_text("a/")
        await catalog.list_folder(root, ANONYMOUS)
        store.put("a/BUILD-INFO.txt", GROUPS_ONLY)
        with pytest.raises(LoginRequired):
            await walk(catalog, root=root)

    async def test_a_folder_that_became_a_link_has_changed(self) -> None:
        store = tree_of("a/x", "b/y")
        catalog = catalog_over(store, **LIVES)
        root = ArtifactPath.from_text("a/")
        await catalog.list_folder(root, ANONYMOUS)
        store.put("a/.s3_linked_from", b"b")
        with pytest.raises(ObjectChanged):
            await walk(catalog, root=root)


class TestCost:
    """Counted in calls: each page of the walk is one."""

    async def test_folders_that_end_within_the_pages_ahead_are_not_listed(self) -> None:
        store = planted(frozenset(f"{a}/{b}/{c}" for a in "abc" for b in "xyz" for c in range(5)), {}, 10)
        store.put("b/y/EULA.txt", b"text")
        assert len(await walk(store)) == 3 + 9 + 45
        kinds = Counter(call.operation for call in store.calls)
        # The folder that is walked, which is asked for first and does not end in time.
        assert kinds == {"walk": 6, "list": 2, "get": 1}
        assert Call("list", "b/") not in store.calls

    async def test_a_folder_that_does_not_end_in_time_is_listed_once(self) -> None:
        store = planted(frozenset(f"big/{number}/f" for number in range(100)), {}, 10)
        assert len(await walk(store)) == 201
        listed = [call.path for call in store.calls if call.operation == "list"]
        assert listed == ["", "", "big/"]

    async def test_where_the_site_policy_decides_alone_large_folders_are_not_listed(self) -> None:
        store = planted(frozenset(f"big/{number}" for number in range(100)), {}, 10)
        policy = '[[rule]]\npath = "/"\ntier = "public"\noverride = true\n'
        assert len(await walk(catalog_over(store, policy=policy))) == 101
        assert [call.path for call in store.calls if call.operation == "list"] == [""]

    async def test_no_more_is_read_ahead_than_is_needed(self) -> None:
        store = planted(frozenset(f"{number:03}/f" for number in range(500)), {}, 10)
        catalog = catalog_over(store)
        walk = catalog.walk(ROOT, ANONYMOUS)
        await anext(walk)
        await walk.aclose()
        pages = [call for call in store.calls if call.operation == "walk"]
        assert len(pages) == PAGES_AHEAD
