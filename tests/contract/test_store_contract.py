from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.domain.entries import Digest
from app.domain.paths import ArtifactPath
from app.domain.storage_urls import S3Place
from app.storage.local.store import LocalStore
from app.storage.s3.opening import open_s3_store
from tests.support.aws import MotoBucket, S3Endpoint, open_bucket
from tests.support.memory_store import MemoryStore
from tests.support.store_contract import PlantedTree, S3Contract, StoreContract


def ignore_call(operation: str, outcome: str, seconds: float) -> None:
    pass


class DirectoryHand:
    def __init__(self, root: Path) -> None:
        self._root = root

    async def plant(self, key: str, content: bytes = b"") -> None:
        path = self._root / key
        (path if key.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not key.endswith("/"):
            path.write_bytes(content)

    async def plant_many(self, keys: list[str]) -> None:
        for key in keys:
            await self.plant(key)

    async def remove(self, key: str) -> None:
        (self._root / key).unlink()


class MemoryHand:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def plant(self, key: str, content: bytes = b"") -> None:
        self._store.put(key, content)

    async def plant_many(self, keys: list[str]) -> None:
        for key in keys:
            self._store.put(key)

    async def remove(self, key: str) -> None:
        self._store.remove(key)


class TestLocalStore(StoreContract):
    @pytest.fixture
    async def tree(self, tmp_path: Path) -> AsyncIterator[PlantedTree]:
        store = LocalStore(tmp_path, observe=ignore_call)
        yield PlantedTree(store, DirectoryHand(tmp_path))
        await store.aclose()


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def tree(self) -> PlantedTree:
        store = MemoryStore()
        return PlantedTree(store, MemoryHand(store))


class TestS3StoreOnMoto(S3Contract):
    @pytest.fixture
    async def tree(self, moto: S3Endpoint) -> AsyncIterator[PlantedTree]:
        async with (
            open_bucket(hand=MotoBucket) as bucket,
            open_s3_store(S3Place(bucket.name), observe=ignore_call) as store,
        ):
            yield PlantedTree(store, bucket)

    async def test_checksums_that_s3_has_verified_are_told(self, tree: PlantedTree) -> None:
        assert isinstance(tree.hand, MotoBucket)
        await tree.hand.plant("sha256", b"x", ChecksumAlgorithm="SHA256")
        await tree.hand.plant("sha1", b"x", ChecksumAlgorithm="SHA1")
        for key, algorithm in (("sha256", "sha-256"), ("sha1", "sha")):
            digest = Digest(algorithm, hashlib.new(key, b"x").digest())
            assert (await tree.store.head(ArtifactPath.of(key))).digests == (digest,)
