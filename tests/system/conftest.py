"""The real S3 engine: one cluster per session (and per xdist worker), stopped at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws import S3Endpoint
from tests.support.s3_engine import run_s3_engine

pytest.register_assert_rewrite("tests.support.store_contract")


@pytest.fixture(scope="session")
def s3_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Endpoint]:
    with run_s3_engine(tmp_path_factory.mktemp("s3") / "engine") as endpoint:
        yield endpoint
