"""Pages from memory are the pages that would be made anew: for any tree, any rules, and anybody."""

from __future__ import annotations

import asyncio
import itertools
from functools import cache
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.byte_cache import ByteCache
from app.cache.response_cache import ResponseCache, StoredResponse
from app.catalog import FolderSorter, FolderTotals, FolderView, SnapshotLoader
from app.domain.access import ANONYMOUS, PathScope, Principal
from app.domain.paths import ArtifactPath
from app.domain.turns import MANY_ENTRIES
from app.pages.contexts import FolderPage, Site
from app.pages.html import HtmlPages
from app.pages.representations import REPRESENTATIONS
from app.pages.templates_dir import templates_directory
from app.policy.serving import NO_SERVING_RULES
from app.policy.tier import tier_of
from app.responses.compression import ENCODINGS
from app.responses.folder_documents import FolderDocuments
from app.responses.folder_listing import FolderPages
from app.responses.listed_digests import FolderDigests
from tests.support.memory_store import MemoryStore
from tests.support.policy import DEFAULTS, build_info, site_policy

FOLDER = ArtifactPath.of("d", is_folder=True)
FORMS = [(name, encoding) for name in REPRESENTATIONS for encoding in ("identity", *ENCODINGS)]

NAMES = ("one.img", "two.img", "notes.txt", "16.09/f", "latest/f", "members/f")
BLOCKS = (
    ("Files-Pattern: *", "License-Type: open"),
    ("Files-Pattern: *.img", "Auth-Groups: staff"),
    ("Files-Pattern: *, ", "Auth-Groups: staff, authors"),
    ("Files-Pattern: one.img", "License-Text: be nice", "Theme: samsung"),
)
CONTROLS = st.one_of(
    st.just(("NONE", b"")),
    st.lists(st.sampled_from(BLOCKS), max_size=3).map(
        lambda blocks: ("BUILD-INFO.txt", build_info(*(line for block in blocks for line in block)))
    ),
    st.sampled_from([("BUILD-INFO.txt", b"nonsense"), ("EULA.txt", b"be nice"), ("one.img.EULA.txt", b"")]),
)
POLICIES = st.builds(
    'private_entries = "{}"\n{}'.format,
    st.sampled_from(["unlisted", "listed", "hidden"]),
    st.sampled_from(
        [
            "",
            '[[rule]]\npath = "d/members"\ntier = "private"\ngroups = ["staff"]\n',
            '[[rule]]\npath = "**/*.txt"\ntier = "private"\ngroups = ["authors"]\nvisibility = "listed"\n',
            '[[rule]]\npath = "d"\ntier = "public"\noverride = true\n',
        ]
    ),
)
PRINCIPALS = st.builds(
    Principal,
    subject=st.sampled_from([None, "somebody", "another"]),
    groups=st.frozensets(st.sampled_from(["staff", "authors", "guests"])),
    scope=st.sampled_from([PathScope(), PathScope(("d",)), PathScope(("d/members",)), PathScope(("x",))]),
    accepted=st.frozensets(st.sampled_from(["0" * 32])),
    trusted=st.sampled_from([False, False, False, True]),
)


class CountingHtml(HtmlPages):
    """Counts what it renders."""

    def __init__(self) -> None:
        super().__init__(templates_directory())
        self.rendered = 0

    def folder(self, page: FolderPage) -> bytes:
        self.rendered += 1
        return super().folder(page)


@cache
def html() -> CountingHtml:
    return CountingHtml()


def folder_pages(max_bytes: int = 2**24) -> FolderPages:
    return FolderPages(
        Site("Releases"),
        html(),
        ResponseCache(held := ByteCache(max_bytes)),
        FolderSorter(held),
        FolderTotals(held),
        NO_SERVING_RULES,
        NoDocuments(),
        no_digests,
        {},
    )


async def no_digests(_: FolderView) -> FolderDigests:
    return FolderDigests()


class NoDocuments:
    """No folder has any."""

    def ready(self, _: FolderView) -> FolderDocuments:
        return FolderDocuments()

    async def of(self, view: FolderView) -> FolderDocuments:
        return self.ready(view)


def loader(store: MemoryStore, policy: str = "", *, default_public: bool = True) -> SnapshotLoader:
    return SnapshotLoader(
        store,
        site=site_policy(policy),
        default_public=default_public,
        default_licences=DEFAULTS,
        versions=itertools.count(),
    )


class Tree(NamedTuple):
    """Files, and what governs them."""

    names: list[str]
    control: tuple[str, bytes]
    policy: str
    default_public: bool

    def loader(self) -> SnapshotLoader:
        """Over a store of its own."""
        store = MemoryStore()
        for name in self.names:
            store.put(f"d/{name}", name.encode())
        store.put(f"d/{self.control[0]}", self.control[1])
        return loader(store, self.policy, default_public=self.default_public)


TREES = st.builds(
    Tree, st.lists(st.sampled_from(NAMES), unique=True), CONTROLS, POLICIES, st.sampled_from([True, False])
)


async def view_of(snapshots: SnapshotLoader, principal: Principal) -> FolderView:
    snapshot = await snapshots.load(FOLDER)
    return FolderView(snapshot, tier_of(principal, snapshot.rules), principal, 0.0, is_stale=False)


@given(tree=TREES, one=PRINCIPALS, other=PRINCIPALS)
async def test_a_page_from_memory_is_the_page_made_anew_for_anybody_of_any_tier(
    tree: Tree, one: Principal, other: Principal
) -> None:
    first = await view_of(tree.loader(), one)
    second = first._replace(principal=other, tier=tier_of(other, first.snapshot.rules))
    pages, nothing_kept = folder_pages(), folder_pages(0)
    for form in FORMS:
        made = await pages.whole(first, *form)
        assert await pages.whole(first, *form) is made
        found = pages.ready(second, *form)
        assert (found is made) is (first.tier == second.tier)
        assert await pages.whole(second, *form) == await nothing_kept.whole(second, *form)


@given(tree=TREES, principal=PRINCIPALS, order=st.randoms())
async def test_replicas_agree_on_every_byte_and_tag(tree: Tree, principal: Principal, order: Random) -> None:
    names = list(tree.names)
    order.shuffle(names)
    here, there = (
        await view_of(tree.loader(), principal),
        await view_of(tree._replace(names=names).loader(), principal),
    )
    one, other = folder_pages(), folder_pages()
    for form in FORMS:
        assert await one.whole(here, *form) == await other.whole(there, *form)


async def test_no_two_forms_of_a_folder_share_a_tag() -> None:
    store = MemoryStore()
    for number in range(60):
        store.put(f"d/a-name-that-is-worth-compressing-{number}.img")
    view = await view_of(loader(store), ANONYMOUS)
    pages = folder_pages()
    tags = [(await pages.whole(view, *form)).e_tag for form in FORMS]
    assert len(set(tags)) == len(FORMS)


@pytest.mark.parametrize("count", [3, MANY_ENTRIES + 1])
async def test_a_page_is_rendered_once_for_all_who_ask_at_once(count: int) -> None:
    store = MemoryStore()
    for number in range(count):
        store.put(f"d/{number:05}.img")
    view = await view_of(loader(store), ANONYMOUS)
    pages, before = folder_pages(), html().rendered
    asking = [asyncio.create_task(pages.whole(view, "html", "gzip")) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    made = [page for page in answers if isinstance(page, StoredResponse)]
    is_made_at_once = count < MANY_ENTRIES  # before anybody could be cancelled
    assert len(made) == (50 if is_made_at_once else 49)
    assert len({id(page) for page in made}) == 1
    assert html().rendered - before == 1


async def test_a_page_that_is_still_being_made_is_not_taken_for_a_newer_folders() -> None:
    store = MemoryStore()
    for number in range(MANY_ENTRIES + 1):
        store.put(f"d/{number:05}.img")
    snapshots = loader(store)
    older = await view_of(snapshots, ANONYMOUS)
    store.put("d/new.img")
    newer = await view_of(snapshots, ANONYMOUS)
    pages = folder_pages()
    first, second = await asyncio.gather(
        pages.whole(older, "text", "identity"), pages.whole(newer, "text", "identity")
    )
    assert b"new.img" not in first.body
    assert b"new.img" in second.body
    for view in (older, newer):
        ready = pages.ready(view, "text", "identity")
        assert ready is None or (b"new.img" in ready.body) is (view is newer)
