"""A walk by listings of folders: its order, where it begins, and what a page of it has."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.domain.entries import File, Folder, Found, Listing, Skipped
from app.domain.errors import Moved, NotFound, PierheadError, StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.storage.folder_walk import PAGE_ENTRIES, Single, as_page, walk_by_folders
from tests.support.memory_store import MemoryStore

TREE = ("a", "b/c/d", "b/c/e", "b/f", "b-", "g/h", "i")


class Walked:
    """Walks through a store, and notes which folders were listed."""

    def __init__(self, *paths: str) -> None:
        self.store = MemoryStore()
        for path in paths:
            self.store.put(path)
        self.errors: dict[str, PierheadError] = {}

    async def list_folder(self, path: ArtifactPath) -> Listing:
        if path.url in self.errors:
            raise self.errors[path.url]
        return await self.store.list_folder(path)

    async def pages(self, after: str = "") -> list[list[Found]]:
        self.store.calls.clear()
        return [list(page) async for page in walk_by_folders(ROOT, after, self.list_folder)]

    async def names(self, after: str = "") -> list[str]:
        return [name for page in await self.pages(after) for found in page for name in names_of(found)]

    def listed(self) -> list[str]:
        return [call.path for call in self.store.calls]


def names_of(found: Found) -> Iterable[str]:
    for file in found.files:
        yield found.folder.child(file.name).url[1:]
    if found.sub_folder is not None:
        yield found.folder.child(found.sub_folder.name, is_folder=True).url[1:]


async def test_each_folder_comes_before_what_is_in_it_in_byte_order() -> None:
    walked = Walked(*TREE)
    assert await walked.names() == ["a", "b-", "b/", "b/c/", "b/c/d", "b/c/e", "b/f", "g/", "g/h", "i"]
    assert walked.listed() == ["", "b/", "b/c/", "g/"]


@pytest.mark.parametrize(
    ("after", "first", "listed"),
    [
        ("a", "b-", ["", "b/", "b/c/", "g/"]),
        ("b-", "b/", ["", "b/", "b/c/", "g/"]),
        ("b/", "b/c/", ["", "b/", "b/c/", "g/"]),
        ("b/c/d", "b/c/e", ["", "b/", "b/c/", "g/"]),
        ("b/c/e", "b/f", ["", "b/", "b/c/", "g/"]),
        ("b/c0", "b/f", ["", "b/", "g/"]),
        ("b0", "g/", ["", "g/"]),
        ("g/h", "i", ["", "g/"]),
    ],
)
async def test_it_goes_on_behind_any_place_and_lists_no_folder_before_it(
    after: str, first: str, listed: list[str]
) -> None:
    walked = Walked(*TREE)
    whole = await walked.names()
    assert await walked.names(after) == whole[whole.index(first) :]
    assert walked.listed() == listed


@pytest.mark.parametrize("error", [NotFound(), Moved(ROOT)])
async def test_a_folder_that_is_gone_or_a_link_is_only_named(error: PierheadError) -> None:
    walked = Walked(*TREE)
    walked.errors["/b/c/"] = error
    assert await walked.names() == ["a", "b-", "b/", "b/c/", "b/f", "g/", "g/h", "i"]


async def test_a_store_that_fails_fails_the_walk() -> None:
    walked = Walked(*TREE)
    walked.errors["/b/c/"] = StoreUnavailable("timeout")
    with pytest.raises(StoreUnavailable):
        await walked.names()


@pytest.mark.parametrize("after", ["", "a", "d/1"])
async def test_what_cannot_be_served_is_told_at_the_head_of_its_folder(after: str) -> None:
    walked = Walked("a", "d/1", "d/2")
    walked.store.skip("", "top")
    walked.store.skip("d/", "inner")
    told = [
        (found.folder, found.others) for page in await walked.pages(after) for found in page if found.others
    ]
    top, inner = (ROOT, (Skipped("top"),)), (ArtifactPath.of("d", is_folder=True), (Skipped("inner"),))
    assert told == {"": [top, inner], "a": [inner], "d/1": []}[after]


@pytest.mark.parametrize("more", [0, 1])
async def test_a_page_is_given_when_it_is_full(more: int) -> None:
    walked = Walked(*(f"{number:04}" for number in range(PAGE_ENTRIES + more)))
    walked.store.put("zz/file")
    pages = await walked.pages()
    assert [sum(found.size for found in page) for page in pages] == [PAGE_ENTRIES, 2 + more]


async def test_an_empty_tree_has_no_page() -> None:
    walked = Walked("empty/")
    assert await walked.names() == ["empty/"]
    walked.errors["/"] = NotFound()
    assert await walked.pages() == []


def test_single_things_become_a_page_whose_files_stay_together() -> None:
    one, two, three = (File(name, 1, 0.0) for name in ("1", "2", "3"))
    folder = ArtifactPath.of("d", is_folder=True)
    skipped = Skipped("x")
    inner = Folder("d")
    of_root = [Single(ROOT, each) for each in (one, two, inner)]
    page = as_page([*of_root, Single(folder, skipped), Single(folder, three)])
    assert page == [Found(ROOT, [one, two], inner), Found(folder, others=(skipped,)), Found(folder, [three])]
