"""Walks over engines that do not list keys in byte order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from structlog.testing import capture_logs

from app.domain.entries import Entry
from app.domain.errors import StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.storage.s3.key_order import KeyOrder
from app.storage.s3.list_page import empty_page
from app.storage.s3.store import S3Store
from tests.support.fake_s3 import FakeS3
from tests.support.key_list import KeyList
from tests.support.key_listing import PAGE_KEYS, KeyListing, folder_order
from tests.support.patient_store import open_patient_store
from tests.support.store_contract import entries_of

KEYS = ("a-b/c", "a-b/d", "a.b", "a/b-", "a/b/c", "a/b/d", "a/b.x/y", "a0", "c-d", "c/d", "c/e", "d")
"""Every folder has a neighbour that goes on with a character before the slash."""


@pytest.fixture
async def store(s3: FakeS3) -> AsyncIterator[S3Store]:
    async with open_patient_store() as store:
        yield store


async def walked(store: S3Store, after: str = "") -> list[str]:
    async def names(path: ArtifactPath) -> Sequence[Entry]:
        return (await store.list_folder(path)).entries

    return [
        found.folder.child(entry.name, is_folder=entry.is_folder).text
        async for page in store.walk(ROOT, after, names)
        for found in page
        for entry in entries_of(found)
    ]


def all_of(keys: Sequence[str]) -> list[str]:
    """The keys, and the folders that they are in."""
    folders = {key[: place + 1] for key in keys for place, letter in enumerate(key) if letter == "/"}
    return sorted({*keys, *folders})


def in_folders(keys: Sequence[str]) -> KeyListing:
    return KeyListing(sorted(keys, key=folder_order), {}, folder_order)


async def test_an_engine_that_lists_folder_by_folder_is_walked_in_byte_order(
    s3: FakeS3, store: S3Store
) -> None:
    s3.answer = in_folders(KEYS).answer
    with capture_logs() as lines:
        assert await walked(store) == all_of(KEYS)
        assert await walked(store) == all_of(KEYS)
    assert [line["event"] for line in lines] == ["keys_not_in_byte_order"]


@pytest.mark.parametrize("after", [*all_of(KEYS), "a/bb", "a-", "a-b/cc", "c-", "bb", "a-0"])
async def test_a_walk_goes_on_behind_any_place_though_nothing_has_shown_the_order(
    s3: FakeS3, store: S3Store, after: str
) -> None:
    for bucket in (in_folders(KEYS), KeyListing(sorted(KEYS), {})):
        s3.answer = bucket.answer
        async with open_patient_store() as fresh:
            assert await walked(fresh, after) == [path for path in all_of(KEYS) if path > after]


async def test_an_order_that_shows_too_late_breaks_the_walk_and_the_next_one_is_whole(
    s3: FakeS3, store: S3Store
) -> None:
    keys = [*(f"a/{number:04}" for number in range(PAGE_KEYS)), "a-b"]
    s3.answer = in_folders(keys).answer
    with pytest.raises(StoreUnavailable, match="unexpected"):
        await walked(store)
    assert await walked(store) == all_of(keys)


async def test_an_engine_in_byte_order_is_probed_once(s3: FakeS3, store: S3Store) -> None:
    bucket = KeyListing(sorted(KEYS), {})
    s3.answer = bucket.answer
    for _ in range(3):
        await walked(store, "a/b/c")
    assert sum(asked.delimiter is None for asked in bucket.asked) == 3 + 1


async def test_a_file_of_the_folders_name_shows_no_order(s3: FakeS3, store: S3Store) -> None:
    keys = ("a", "a-b", "a/c")
    for bucket in (in_folders(keys), KeyListing(keys, {})):
        s3.answer = bucket.answer
        async with open_patient_store() as fresh:
            assert await walked(fresh, "a-b") == ["a/", "a/c"]


def test_bytes_that_are_not_text_show_no_order() -> None:
    order = KeyOrder(KeyList(()).fetch)
    page = empty_page()
    page.keys.extend(["a", "b\ufffd", "b"])
    assert order.goes_on(page, "")
    page.keys.append("a")
    assert not order.goes_on(page, "")
