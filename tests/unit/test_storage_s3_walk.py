"""What a walk costs in calls of S3, and what it does with answers that are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from app.cache.byte_cache import ByteCache
from app.domain.access import ANONYMOUS
from app.domain.errors import NotFound, StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.storage.s3.store import S3Store
from app.wiring import build_catalog
from tests.support.fake_s3 import Answer, FakeS3, in_turn, status, xml
from tests.support.key_listing import PAGE_KEYS, Asked, KeyListing
from tests.support.live_server import policy_from, settings_for
from tests.support.patient_store import open_patient_store

GROUPS, FOLDERS, FILES = 6, 30, 50
KEYS = sorted(
    f"g{group}/folder-{folder:02}/{name}"
    for group in range(GROUPS)
    for folder in range(FOLDERS)
    for name in ["EULA.txt"] * (folder == 7) + [f"artifact-{number:03}.img" for number in range(FILES)]
)


@pytest.fixture
async def store(s3: FakeS3) -> AsyncIterator[S3Store]:
    async with open_patient_store() as store:
        yield store


async def no_names(path: ArtifactPath) -> tuple[()]:
    raise NotFound


async def test_nine_thousand_files_in_many_folders_cost_ten_pages_and_their_rules(
    s3: FakeS3, store: S3Store
) -> None:
    contents = {key: b"licence" for key in KEYS if key.endswith("EULA.txt")}
    bucket = KeyListing(KEYS, contents)
    s3.answer = bucket.answer
    catalog = build_catalog(settings_for(), policy_from(""), store, ByteCache(1 << 20))
    walked = [visible async for part in catalog.walk(ROOT, ANONYMOUS) for visible in part]
    assert len(walked) == GROUPS + GROUPS * FOLDERS + GROUPS * FOLDERS * FILES
    assert sum(bool(visible.licences) for visible in walked) == GROUPS * FILES
    pages = -(-len(KEYS) // PAGE_KEYS)
    flat = [asked for asked in bucket.asked if asked == Asked("list", "", None)]
    assert len(flat) == pages == 10
    listed = Counter(asked.key for asked in bucket.asked if asked.delimiter)
    # The root, once for whether it may be listed at all; no folder of files is listed by itself.
    assert listed == {"": 2}
    assert sorted(asked.key for asked in bucket.asked if asked.method == "GET") == sorted(contents)


async def test_a_walk_begins_where_it_is_told(s3: FakeS3, store: S3Store) -> None:
    bucket = KeyListing(KEYS, {})
    s3.answer = bucket.answer
    start = "g4/folder-10/artifact-040.img"
    pages = [page async for page in store.walk(ROOT, start, no_names)]
    assert (pages[0][0].folder.text, pages[0][0].files[0].name) == ("g4/folder-10/", "artifact-041.img")
    left = [key for key in KEYS if key > start]
    assert len(bucket.asked) == -(-len(left) // PAGE_KEYS)


async def test_a_catalog_goes_on_behind_a_place(s3: FakeS3, store: S3Store) -> None:
    s3.answer = KeyListing([key for key in KEYS if key.endswith(".img")], {}).answer
    catalog = build_catalog(settings_for(), policy_from(""), store, ByteCache(1 << 20))
    after = "g5/folder-29/artifact-047.img"
    walked = [visible.path.text async for part in catalog.walk(ROOT, ANONYMOUS, after) for visible in part]
    assert walked == [f"g5/folder-29/artifact-{number:03}.img" for number in (48, 49)]
    await catalog.aclose()


@pytest.mark.parametrize("folder", ["", "g4/folder-10/"])
async def test_keys_that_are_twice_where_pages_meet_are_found_once(
    s3: FakeS3, store: S3Store, folder: str
) -> None:
    s3.answer = KeyListing(KEYS, {}, repeats=3).answer
    pages = [page async for page in store.walk(ArtifactPath.from_text(folder), "", no_names)]
    files = [found.folder.text + file.name for page in pages for found in page for file in found.files]
    assert files == [key for key in KEYS if key.startswith(folder)]
    assert len(s3.requests) <= 11


async def test_a_place_longer_than_any_key_is_cut_between_characters(s3: FakeS3, store: S3Store) -> None:
    s3.answer = KeyListing(["z"], {}).answer
    pages = [page async for page in store.walk(ROOT, "x" + "ä" * 600, no_names)]
    assert [found.files[0].name for page in pages for found in page] == ["z"]
    (asked,) = [parse_qs(urlsplit(request.target).query) for request in s3.requests]
    assert asked["start-after"] == ["x" + "ä" * 511]


@pytest.mark.parametrize(
    "second",
    [
        xml("<html/>"),
        xml('<?xml version="1.0"?><ListBucketResult><Name>artifacts</Name><IsTruncated>true</IsTruncated>'
            "</ListBucketResult>"),
        xml('<?xml version="1.0"?><ListBucketResult><Name>artifacts</Name><Contents><Key>x</Key></Contents>'
            "</ListBucketResult>"),
        status(500, "InternalError"),
    ],
)  # fmt: skip
async def test_a_page_that_is_none_breaks_the_walk(s3: FakeS3, store: S3Store, second: Answer) -> None:
    s3.answer = in_turn(KeyListing(KEYS, {}).answer, second)
    pages = store.walk(ROOT, "", no_names)
    assert sum(found.size for found in await anext(pages)) >= PAGE_KEYS
    with pytest.raises(StoreUnavailable):
        async for _ in pages:
            pass
