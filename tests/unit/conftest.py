"""What tests of several rooms begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import FakeS3, run_fake_s3


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeS3]:
    """A server that answers as the test tells it to, which the environment names as the S3 to use."""
    async with run_fake_s3() as fake:
        point_aws_at(monkeypatch, S3Endpoint(fake.url))
        fake.folders = {"d/", "~d/"}
        yield fake
