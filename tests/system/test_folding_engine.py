"""The S3 back-end over SeaweedFS, which turns backslashes into slashes: no object has a second name here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from app.domain.errors import NotFound
from app.domain.storage_urls import S3Place
from app.storage.s3.opening import open_s3_store
from tests.support.aws import S3Endpoint, open_bucket, point_aws_at
from tests.support.seaweedfs import run_seaweedfs
from tests.support.store_contract import ODD_NAMES, PlantedTree, path_of


@pytest.fixture(scope="module")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Endpoint]:
    with run_seaweedfs(tmp_path_factory.mktemp("seaweedfs") / "engine") as endpoint:
        yield endpoint


@pytest.fixture
async def tree(seaweedfs: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PlantedTree]:
    point_aws_at(monkeypatch, seaweedfs)
    async with open_bucket() as bucket, open_s3_store(S3Place(bucket.name), observe=lambda *_: None) as store:
        yield PlantedTree(store, bucket)


async def test_the_engine_itself_takes_two_spellings_for_one(tree: PlantedTree) -> None:
    """Otherwise nothing here shows anything."""
    await tree.hand.plant("lic/fw.img", b"content")
    assert await tree.store.read_small(path_of("lic\\fw.img"), is_listed=True) == b"content"
    with pytest.raises(NotFound):
        await tree.store.read_small(path_of("lic\\fw.img"))


async def test_odd_names_are_served_as_they_are_listed_and_no_others(tree: PlantedTree) -> None:
    for name in ODD_NAMES:
        await tree.hand.plant(f"odd/{name}", name.encode())
        await tree.hand.plant(f"folders/{name}/f", name.encode())
    files, folders = await tree.names("odd/"), await tree.names("folders/")
    for name in ODD_NAMES:
        file, inside = path_of(f"odd/{name}"), path_of(f"folders/{name}/f")
        if name in files:
            assert await tree.store.read_small(file) == name.encode()
        else:
            with pytest.raises(NotFound):
                await tree.store.head(file)
        if f"{name}/" in folders:
            assert await tree.store.read_small(inside) == name.encode()
        else:
            with pytest.raises(NotFound):
                await tree.store.head(inside)
    assert set(ODD_NAMES) - files == {"back\\slash"}
    assert set(ODD_NAMES) - {folder.removesuffix("/") for folder in folders} == {"back\\slash"}
