"""One folder as it stands. Rules that cannot be read are never taken for rules that are not there."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import Snapshot, SnapshotLoader, cost_of, is_same
from app.domain.access import ANONYMOUS, Allow, Forbidden
from app.domain.entries import File
from app.domain.errors import Moved, NotFound, StoreDenied, StoreError, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.policy.decide import decide, visible_entry
from app.policy.site_policy import SitePolicy
from app.storage.store import CONTROL_FILE_LIMIT
from tests.support.memory_store import MemoryStore
from tests.support.policy import DEFAULTS, build_info

FOLDER = ArtifactPath.from_text("d/")
FILE = FOLDER.child("x.img")
OPEN = build_info("Files-Pattern: *", "License-Type: open")
READ_NAMES = [
    "BUILD-INFO.txt",
    "EULA.txt",
    "OPEN-EULA.txt",
    "x.img.EULA.txt",
    "x.img.EULA.txt.linaro",
    ".s3_linked_from",
]


def loader(store: MemoryStore, *, default_public: bool = True, link_prefix: str = "") -> SnapshotLoader:
    return SnapshotLoader(
        store,
        site=SitePolicy(),
        default_public=default_public,
        default_licences=DEFAULTS,
        versions=itertools.count(),
        link_prefix=link_prefix,
    )


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("d/x.img", b"image")
    return store


async def load(store: MemoryStore, *, default_public: bool = True) -> Snapshot:
    return await loader(store, default_public=default_public).load(FOLDER)


async def link_of(content: bytes, *, link_prefix: str = "", folder: str = "d") -> ArtifactPath | None:
    store = MemoryStore()
    store.put(f"{folder}/.s3_linked_from", content)
    path = ArtifactPath.from_text(f"{folder}/")
    return (await loader(store, link_prefix=link_prefix).load(path)).link


async def test_entries_are_in_listing_order_and_complete(store: MemoryStore) -> None:
    for name in ("b", "a", "16.09/f", "16.12/f", "latest/f", "README.textile"):
        store.put(f"d/{name}")
    names = [entry.name for entry in (await load(store)).entries]
    assert names == ["latest", "16.12", "16.09", "a", "b", "README.textile", "x.img"]


async def test_one_listing_and_only_the_control_files_that_it_shows_are_asked_for(store: MemoryStore) -> None:
    store.put("d/EULA.txt", b"Be nice.")
    store.put("d/.s3_linked_from", b"e")
    await load(store)
    assert sorted(store.calls) == [("get", "d/.s3_linked_from"), ("get", "d/EULA.txt"), ("list", "d/")]


async def test_no_control_file_means_the_default(store: MemoryStore) -> None:
    assert decide(FILE, (await load(store)).rules, ANONYMOUS) == Allow()
    closed = await load(store, default_public=False)
    assert isinstance(decide(FILE, closed.rules, ANONYMOUS), Forbidden)


@pytest.mark.parametrize("name", READ_NAMES)
@pytest.mark.parametrize(
    "error", [StoreUnavailable("timeout"), StoreDenied(), NotFound(), Moved(ArtifactPath.from_text("e"))]
)
async def test_a_control_file_that_is_listed_and_not_given_closes_the_folder(
    store: MemoryStore, name: str, error: Exception
) -> None:
    store.put(f"d/{name}", OPEN)
    store.fail_on("get", error)
    with pytest.raises(StoreError):
        await load(store)


@pytest.mark.parametrize("error", [StoreUnavailable("timeout"), StoreDenied(), NotFound()])
async def test_a_link_to_a_folder_that_cannot_be_read_is_not_shown(
    store: MemoryStore, error: Exception
) -> None:
    store.put("e/f", b"bytes")
    store.link("d/link", "e/f")
    entry = File("link", 5, 1e9)
    read = await load(store)
    assert visible_entry(FOLDER, entry, read.rules, ANONYMOUS) is not None
    store.fail_on("list", error, path="e/")
    read = await load(store)
    assert visible_entry(FOLDER, entry, read.rules, ANONYMOUS) is None


@pytest.mark.parametrize("name", READ_NAMES)
@pytest.mark.parametrize("target", ["members/rules", "members"])
async def test_a_control_file_that_is_a_link_closes_the_folder_and_is_not_followed(
    store: MemoryStore, name: str, target: str
) -> None:
    store.put("members/rules", OPEN)
    store.link(f"d/{name}", target)
    with pytest.raises(StoreUnavailable, match="rules-unreadable"):
        await load(store)
    assert not [call for call in store.calls if call.path.startswith("members")]


@pytest.mark.parametrize("name", READ_NAMES)
async def test_a_sub_folder_may_be_called_like_a_control_file(store: MemoryStore, name: str) -> None:
    store.put(f"d/{name}/f")
    assert decide(FILE, (await load(store)).rules, ANONYMOUS) == Allow()


@pytest.mark.parametrize("name", READ_NAMES)
async def test_a_control_file_that_cannot_be_served_closes_the_folder(store: MemoryStore, name: str) -> None:
    store.skip("d/", name)
    with pytest.raises(StoreUnavailable, match="rules-unreadable"):
        await load(store)


async def test_other_files_that_cannot_be_served_are_left_out(store: MemoryStore) -> None:
    store.skip("d/", "pipe", "dangling")
    assert [entry.name for entry in (await load(store)).entries] == ["x.img"]


@pytest.mark.parametrize(
    "content", [b"malformed", b"\xff\xfe", b"\0", b"", b"\n", b"x" * (CONTROL_FILE_LIMIT + 1)]
)
async def test_rules_that_cannot_be_understood_open_nothing(store: MemoryStore, content: bytes) -> None:
    store.put("d/BUILD-INFO.txt", content)
    rules = (await load(store)).rules
    assert isinstance(decide(FILE, rules, ANONYMOUS), Forbidden)
    assert isinstance(decide(FOLDER, rules, ANONYMOUS), Forbidden)


async def test_a_listing_that_fails_is_no_empty_folder(store: MemoryStore) -> None:
    store.fail_next(StoreUnavailable("throttled"))
    with pytest.raises(StoreUnavailable):
        await load(store)
    store.fail_next(NotFound())
    with pytest.raises(NotFound):
        await load(store)


@pytest.mark.parametrize("content", [b"a/b", b"/a/b", b"a/b/", b"/a/b/\n", b"  a/b\r\n", b"bucket/a/b"])
async def test_a_link_file_names_a_folder(content: bytes) -> None:
    assert await link_of(content, link_prefix="bucket/") == ArtifactPath.from_text("a/b/")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"/", b"\n", b"..", b"../a", b"a/../../b", b"/../etc", b"a//b", b"./a", b"a\0b", b"a\nb"),
        *(b"\xff\xfe", b"d", b"d/", b"/d/below", b"x" * 5000, b"y" * (CONTROL_FILE_LIMIT + 1)),
    ],
    ids=range(17),
)
async def test_a_link_out_of_the_tree_or_to_itself_is_none(content: bytes) -> None:
    assert await link_of(content) is None


@given(content=st.binary(max_size=40))
async def test_any_link_file_names_a_folder_or_nothing(content: bytes) -> None:
    link = await link_of(content)
    assert link is None or (link.is_folder and link == ArtifactPath.of(*link.segments, is_folder=True))


async def test_folders_read_alike_are_the_same_and_others_are_not(store: MemoryStore) -> None:
    reader = loader(store)
    one, again = await reader.load(FOLDER), await reader.load(FOLDER)
    store.put("d/x.img", b"another")
    changed = await reader.load(FOLDER)
    store.put("d/EULA.txt", b"1")
    ruled = await reader.load(FOLDER)
    store.put("d/EULA.txt", b"2")
    ruled_otherwise = await reader.load(FOLDER)
    assert is_same(one, again)
    assert not is_same(one, changed)
    assert not is_same(changed, ruled)
    assert not is_same(ruled, ruled_otherwise)
    assert len({s.version for s in (one, again, changed, ruled, ruled_otherwise)}) == 5


async def test_what_a_folder_has_is_found_by_name_and_kind(store: MemoryStore) -> None:
    store.put("d/both")
    store.put("d/both/inner")
    snapshot = await load(store)
    for name, is_folder, there in [
        ("x.img", False, True),
        ("x.img", True, False),
        ("both", False, True),
        ("both", True, True),
        ("absent", False, False),
        ("", False, False),
    ]:
        assert snapshot.find(name, is_folder=is_folder) is there


async def test_a_larger_folder_costs_more(store: MemoryStore) -> None:
    small = cost_of(await load(store))
    store.put("d/another name")
    larger = cost_of(await load(store))
    store.put("d/EULA.txt", b"x" * 5000)
    assert small < larger < larger + 5000 <= cost_of(await load(store))
