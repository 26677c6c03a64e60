"""The stores over engines and file systems that take several spellings for the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.domain.storage_urls import S3Place
from app.storage.local.store import LocalStore
from app.storage.s3.opening import open_s3_store
from tests.contract.test_store_contract import DirectoryHand, ignore_call
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import run_fake_s3
from tests.support.folding import ENGINE_FOLDS, FOLDS, FoldingS3, fold_file_system
from tests.support.store_contract import PlantedTree, SpellingContract


class FoldingHand:
    def __init__(self, s3: FoldingS3) -> None:
        self._s3 = s3

    async def plant(self, key: str, content: bytes = b"") -> None:
        self._s3.objects[key] = content

    async def plant_many(self, keys: list[str]) -> None:
        self._s3.objects.update(dict.fromkeys(keys, b""))

    async def remove(self, key: str) -> None:
        del self._s3.objects[key]


class TestLocalStoreOnFileSystemThatFolds(SpellingContract):
    @pytest.fixture(params=FOLDS)
    async def tree(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> AsyncIterator[PlantedTree]:
        store = LocalStore(tmp_path, observe=ignore_call)
        fold_file_system(monkeypatch, FOLDS[request.param])
        yield PlantedTree(store, DirectoryHand(tmp_path))
        await store.aclose()


class TestS3StoreOnEngineThatFolds(SpellingContract):
    @pytest.fixture(params=ENGINE_FOLDS)
    def fold(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(params=[False, True], ids=["keys-as-stored", "prefix-as-asked"])
    async def tree(
        self, monkeypatch: pytest.MonkeyPatch, fold: str, request: pytest.FixtureRequest
    ) -> AsyncIterator[PlantedTree]:
        s3 = FoldingS3(ENGINE_FOLDS[fold], repeats_prefix=request.param)
        async with run_fake_s3() as fake:
            fake.answer = s3
            point_aws_at(monkeypatch, S3Endpoint(fake.url))
            async with open_s3_store(S3Place("artifacts"), observe=ignore_call) as store:
                yield PlantedTree(store, FoldingHand(s3))
