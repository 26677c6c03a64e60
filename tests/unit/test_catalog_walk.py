"""Everything below a folder, and from anywhere in it on."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog import Catalog
from app.catalog.walk import walk_below
from app.domain.access import ANONYMOUS, Access, Principal, VisibleEntry
from app.domain.entries import Folder
from app.domain.errors import BadParameter, LoginRequired, NotFound, StoreUnavailable
from app.domain.paths import MAX_PATH_BYTES, ROOT, ArtifactPath
from tests.support.catalogs import catalog_over, tree_of
from tests.support.memory_store import MemoryStore

NAMES = ["a", "b", "latest", "16.09", "16.12", "a b", "\udcff"]
MEMBER = Principal(subject="m", groups=frozenset({"staff"}))
POLICY = '[[rule]]\npath = "**/b"\ntier = "private"\ngroups = ["staff"]\nvisibility = "listed"\n'

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
trees = st.frozensets(paths, min_size=1, max_size=12)


async def walk(
    tree: Catalog | MemoryStore,
    after: str | None = None,
    *,
    root: ArtifactPath = ROOT,
    principal: Principal = ANONYMOUS,
) -> list[str]:
    catalog = tree if isinstance(tree, Catalog) else catalog_over(tree)
    return [visible.path.text async for visible in catalog.walk(root, principal, after)]


async def test_each_folder_comes_before_what_is_in_it() -> None:
    store = tree_of("z.txt", "b/2/x", "b/10/y", "a/f", "latest/f")
    assert await walk(store) == [
        *("latest/", "latest/f", "a/", "a/f", "b/", "b/10/", "b/10/y", "b/2/", "b/2/x", "z.txt"),
    ]


@settings(deadline=None, max_examples=50)
@given(trees)
def test_a_walk_resumed_behind_any_entry_is_the_rest_of_the_whole(tree: frozenset[str]) -> None:
    """A file and a folder may have one name here, as in S3."""

    async def check() -> None:
        catalog = catalog_over(tree_of(*tree))
        whole = await walk(catalog)
        assert {path for path in whole if not path.endswith("/")} == tree
        assert len(whole) == len(set(whole))
        for number, path in enumerate(whole):
            assert await walk(catalog, path) == whole[number + 1 :]

    asyncio.run(check())


@settings(deadline=None, max_examples=50)
@given(trees, trees)
def test_a_walk_resumed_behind_what_is_gone_loses_nothing(tree: frozenset[str], gone: frozenset[str]) -> None:
    async def check() -> None:
        before = await walk(tree_of(*tree, *gone))
        catalog = catalog_over(tree_of(*tree))
        after = await walk(catalog)
        for number, path in enumerate(before):
            left = set(before[number + 1 :])
            assert await walk(catalog, path) == [entry for entry in after if entry in left]

    asyncio.run(check())


@settings(deadline=None, max_examples=50)
@given(trees)
def test_a_walk_names_what_listings_name(tree: frozenset[str]) -> None:
    async def check() -> None:
        for principal in (ANONYMOUS, MEMBER):
            catalog = catalog_over(tree_of(*tree), policy=POLICY)
            walked = [visible async for visible in catalog.walk(ROOT, principal)]
            listed = list(await catalog.list_folder(ROOT, principal))
            for visible in walked:
                if visible.entry.is_folder and not visible.locked:
                    listed += await catalog.list_folder(visible.path, principal)
            assert sorted(map(repr, walked)) == sorted(map(repr, listed))

    asyncio.run(check())


async def test_a_subtree_is_walked_from_its_own_root() -> None:
    store = tree_of("a/b/c", "a/d", "e")
    root = ArtifactPath.from_text("a/")
    assert await walk(store, root=root) == ["a/b/", "a/b/c", "a/d"]
    assert await walk(store, "b/", root=root) == ["a/b/c", "a/d"]


async def test_the_deepest_tree_that_there_can_be_is_walked() -> None:
    def only_folder_in(folder: ArtifactPath) -> tuple[VisibleEntry, ...]:
        path = folder.child("d", is_folder=True)
        return (
            (VisibleEntry(path, Folder("d"), Access.PUBLIC),)
            if len(path.to_bytes()) <= MAX_PATH_BYTES
            else ()
        )

    async def list_folder(folder: ArtifactPath) -> tuple[VisibleEntry, ...]:
        return only_folder_in(folder)

    walked = [visible.path.text async for visible in walk_below(only_folder_in(ROOT), (), list_folder)]
    assert walked == ["d/" * depth for depth in range(1, MAX_PATH_BYTES // 2 + 1)]


async def test_a_locked_folder_is_named_and_not_entered() -> None:
    catalog = catalog_over(tree_of("b/secret", "c"), policy=POLICY)
    assert await walk(catalog) == ["b/", "c"]
    assert await walk(catalog, principal=MEMBER) == ["b/", "b/secret", "c"]
    assert await walk(catalog, "b/secret") == ["c"]


async def test_a_link_is_named_and_not_followed() -> None:
    store = tree_of("16.12/f")
    store.put("latest/.s3_linked_from", b"16.12")
    store.link("current", "16.12")
    assert await walk(store) == ["latest/", "16.12/", "16.12/f", "current/"]


async def test_a_folder_that_its_own_rules_close_is_named_and_not_entered() -> None:
    store = tree_of("a/x.img", "b")
    store.put("a/BUILD-INFO.txt", b"malformed")
    assert await walk(store) == ["a/", "b"]


async def test_a_folder_that_cannot_be_read_breaks_the_walk() -> None:
    store = tree_of("a/x", "b")
    store.fail_on("list", StoreUnavailable("timeout"), path="a/")
    with pytest.raises(StoreUnavailable):
        await walk(store)


async def test_the_folder_itself_is_asked_for_as_any_other() -> None:
    store = tree_of("b/secret")
    with pytest.raises(NotFound):
        await walk(store, root=ArtifactPath.from_text("missing/"))
    with pytest.raises(LoginRequired):
        await walk(catalog_over(store, policy=POLICY), root=ArtifactPath.from_text("b/"))
    with pytest.raises(BadParameter):
        await walk(store, "../x")
