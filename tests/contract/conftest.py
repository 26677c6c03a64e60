"""One moto server for the whole session; buckets are forgotten before each test that uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws import S3Endpoint, point_aws_at, reset_moto, run_moto

pytest.register_assert_rewrite("tests.support.store_contract")


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Endpoint]:
    with run_moto() as endpoint:
        yield endpoint


@pytest.fixture
def moto(moto_server: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> S3Endpoint:
    reset_moto(moto_server)
    point_aws_at(monkeypatch, moto_server)
    return moto_server
