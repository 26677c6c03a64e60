"""The contract of a store, on every S3 engine that can be had."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Final

import pytest

from app.storage.s3.opening import open_s3_store
from app.storage.urls import S3Place
from tests.support.aws import S3Endpoint, open_bucket, point_aws_at
from tests.support.store_contract import PlantedTree, S3Contract

_BUCKETS: Final = itertools.count()


class TestStoreOnEveryEngine(S3Contract):
    @pytest.fixture
    async def tree(
        self, engine: tuple[str, S3Endpoint], monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[PlantedTree]:
        """In a bucket of its own: what some engines were given leaves folders behind."""
        _, endpoint = engine
        point_aws_at(monkeypatch, endpoint)
        async with (
            open_bucket(f"contract-{next(_BUCKETS)}") as bucket,
            open_s3_store(S3Place(bucket.name), observe=lambda *_: None) as store,
        ):
            yield PlantedTree(store, bucket)
